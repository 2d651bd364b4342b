"""What `memos verify` says of the projections, asked as an operator asks it."""

import asyncio
import json

from faults.findings import Findings
from faults.system import System


async def check_projections(system: System, findings: Findings) -> None:
    """No projection differs from the ledger."""
    program = system.program("verify", "verify", "--json")
    process = await asyncio.create_subprocess_exec(
        *program.command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=system.env,
    )
    output, errors = await process.communicate()
    try:
        projections = json.loads(output)["projections"]
    except (ValueError, KeyError):
        findings.add("differences", f"memos verify ended with {process.returncode}: {(errors or output).decode()}")
        return
    for one in projections:
        if differing := sum(one[kind] for kind in ("missing", "extra", "stale", "behind")):
            findings.add("differences", one, differing)
