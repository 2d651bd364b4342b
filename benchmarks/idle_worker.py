"""A worker of the interactive lane that answers one command, `RenewLease`, without doing anything.

What a request for that command takes is what facade, bus and lane take for any. Everything else is done as by
`memos worker`, which also reads the same settings.
"""

import uvloop

from memos import runtime
from memos.events.answers import LeaseRenewed, RenewLease
from memos.handlers import HANDLERS, Handler
from memos.settings import load_settings


async def do_nothing(command: RenewLease) -> LeaseRenewed:
    """Answer as if there were a lease."""
    return LeaseRenewed(held=True)


def main() -> None:
    idle = Handler(RenewLease, do_nothing)
    vars(runtime)["HANDLERS"] = tuple(idle if one.command is RenewLease else one for one in HANDLERS)

    async def run() -> None:
        await runtime.run_worker(load_settings(), "interactive", runtime.stop_on_signals())

    uvloop.run(run())


if __name__ == "__main__":
    main()
