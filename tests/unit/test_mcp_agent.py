"""What the MCP server remembers of the tools that it called."""

from memos.mcp_server.agent import MOST_REPORTED, ReportedTools


def test_of_tools_that_were_called_those_called_last_are_remembered() -> None:
    reported = ReportedTools()
    for number in range(MOST_REPORTED):
        reported.add(f"tool-{number}")
    reported.add("tool-0")
    assert "tool-1" in reported
    reported.add("one-more")
    assert [name in reported for name in ("tool-0", "tool-1", "tool-2", "one-more")] == [True, False, True, True]
