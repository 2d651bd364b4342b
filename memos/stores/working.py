"""Working memory in Redis.

An agent's keys are in one slot, and each method is one script, so that it takes effect wholly or not at all. A
session is kept under its epoch: ending one only takes its id from it. What expires is left in place until a sweep,
but given to nobody; Redis itself drops it a week later, should no sweep ever come.
"""

from memos.stores.working_clearing import RedisClearing
from memos.stores.working_log import RedisLog
from memos.stores.working_values import RedisValues


class RedisWorking(RedisValues, RedisLog, RedisClearing):
    """Fulfils the port `Working`."""
