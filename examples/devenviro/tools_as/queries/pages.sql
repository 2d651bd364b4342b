-- name: create_pages
create virtual table pages using fts5 (
    title, body, path unindexed, language unindexed, published unindexed,
    tokenize = 'porter unicode61 remove_diacritics 2'
)

-- name: add_page
insert into pages (title, body, path, language, published) values (:title, :body, :path, :language, :published)

-- A word in the title counts as four in the text.
-- name: search
select
    title,
    path,
    language,
    published,
    snippet(pages, 1, '', '', ' … ', 48) as snippet
from pages
where pages match :query
order by bm25(pages, 4.0, 1.0), path
