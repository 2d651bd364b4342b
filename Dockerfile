# memOS with its pinned packages, run by a user of its own. One image for every role: docker-compose.yml names the
# command; alone, `docker run memos-as up` runs all of memOS on embedded engines.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/memos
WORKDIR /src
COPY requirements.lock ./
RUN /opt/memos/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY migrations migrations
COPY memos memos
RUN /opt/memos/bin/pip install --no-deps --no-build-isolation . \
    && /opt/memos/bin/pip uninstall --yes hatchling editables pathspec pluggy tomlkit trove-classifiers \
    && /opt/memos/bin/python -m compileall -q /opt/memos/lib \
    && /opt/memos/bin/pip uninstall --yes setuptools pip

FROM python:3.11-slim
RUN groupadd --system --gid 10001 memos \
    && useradd --system --uid 10001 --gid memos --no-create-home --home-dir /var/lib/memos memos \
    && install -d -o memos -g memos -m 700 /var/lib/memos
COPY --from=build /opt/memos /opt/memos
COPY --from=build /src/LICENSE /src/NOTICE /usr/share/doc/memos/
ENV PATH=/opt/memos/bin:$PATH MEMOS_HOME=/var/lib/memos PYTHONUNBUFFERED=1
USER memos
WORKDIR /var/lib/memos
EXPOSE 8090
ENTRYPOINT ["memos"]
CMD ["--help"]
