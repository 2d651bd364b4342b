"""How much each thing counts in discovery, in one place.

Chosen on the development slices of MetaTool (docs/why/discovery.md tells what each gave); each is in the middle of
a range within which the results hardly differ.
"""

TERMS = 1.5
"""The weight of the share of the question's information that is found in a tool's own terms."""

CLAUSE = 0.4
"""The part of the meaning that is the best clause's, when a question has several; the rest is the whole's."""

DESCRIPTION = 2.0
"""How many solved tasks a tool's own description is worth in the mean of what it is for (after Rocchio, 1971)."""

SOLVED = 0.075
"""What a tool gains each time that the tasks it solved, as far as they are like this one, grow e-fold."""

FAILED = 0.0225
"""What a tool loses each time that the tasks it failed at grow e-fold likewise: less than a success says.

Its cause may be another than the task. With agents who try what is found first, and at times another of the best
five, all 2,612 tasks taught R@1 72.3 without failures, 73.3 with them at this weight, 71.4 at that of successes.
"""

SHARPNESS = 10.0
"""How fast a task counts less that is less like this one: by a factor of e for a tenth of similarity."""

SHARED_TERMS = 0.5
"""How much the terms that two tasks share add to the similarity of their meanings."""

LIKE = 0.5
"""The similarity at which a solved task counts as one."""

UNTAUGHT = 0.3
"""The score of a tool's own words at which one solved task doubles what is known of it."""

MOST_TASKS = 400
"""Tasks, the most similar ones, that are looked at. 100 find as much, until one tool has solved so many alike."""

LEAST_BELIEVED = 0.002
"""How much of what is reported of a task must be believed for it to be looked at."""

EXAMPLE = 1.0
"""How many tasks that it solved an example is worth which a tool brings along."""

NEED = 0.03
"""What a tool gains that is the best for a part of the task."""

RELIABILITY = 0.05
"""What a tool loses whose success rate falls from all to none."""
