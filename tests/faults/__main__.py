"""The long run: `python -m faults`, with its options, a line of progress and a table at the end."""

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pydantic_core import to_json
from rich.console import Console

from faults.mutants import MUTATIONS
from faults.plan import Plan
from faults.report import Report
from faults.run import Show, run

EXAMPLE = "Example: python -m faults --seed 7 --stores 5000 --kills 20"


def main(words: Sequence[str] | None = None) -> int:
    """Run as the arguments say; 0 when all that was promised was kept, 1 when not."""
    options = _parser().parse_args(words)
    plan = Plan(
        seed=options.seed,
        stores=options.stores,
        kills=options.kills,
        producers=options.producers,
        flush=options.flush,
        mutation=options.mutation,
    )
    folder = Path(tempfile.mkdtemp(prefix="memos-faults-"))
    if options.verbose:
        logging.basicConfig(filename=folder / "faults.log", format="%(asctime)s %(message)s")
        logging.getLogger("faults").setLevel(logging.INFO)
    report = asyncio.run(run(plan, folder, _line(sys.stderr.isatty()), minutes=options.minutes))
    _print(report, as_json=options.json)
    if report.passed and not options.keep:
        shutil.rmtree(folder)
    else:
        sys.stderr.write(f"The journal, the logs and the data are in {folder}\n")
    return 0 if report.passed else 1


def _parser() -> argparse.ArgumentParser:
    planned = Plan()
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("--seed", type=int, default=planned.seed, help="repeats a schedule (default: %(default)s)")
    parser.add_argument("--stores", type=int, default=planned.stores, help="memories (default: %(default)s)")
    parser.add_argument(
        "--kills", type=int, default=planned.kills, help="SIGKILLs, and half as many others (default: %(default)s)"
    )
    parser.add_argument("--producers", type=int, default=planned.producers, help="default: %(default)s")
    parser.add_argument("--flush", action="store_true", help="empty Redis once, half way")
    parser.add_argument("--mutation", choices=sorted(MUTATIONS), help="run workers with a fault built in")
    parser.add_argument("--minutes", type=float, default=40.0, help="give up after (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep journal, logs and data of a run that passes")
    parser.add_argument("--verbose", action="store_true", help="log every fault to a file beside the journal")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def _line(terminal: bool) -> Show:
    """What shows progress: one line that is written over on a terminal, else a line now and then."""
    shown = 0

    def show(text: str) -> None:
        nonlocal shown
        if terminal:
            sys.stderr.write(f"\r\033[K{text}")
        elif shown % 30 == 0 or text.endswith("…"):
            sys.stderr.write(f"{text}\n")
        shown += 1
        sys.stderr.flush()

    return show


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(to_json(report.as_json(), indent=2).decode() + "\n")
    else:
        Console().print(report.table())


if __name__ == "__main__":
    sys.exit(main())
