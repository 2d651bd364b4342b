"""Runs a program that dies with the process that launched it, and as somebody else than root if it must.

Executed as a file by an isolated interpreter (`python -I -S launch.py … -- program arguments`), so
that it starts in milliseconds, imports nothing of the project, and does between fork and exec what
would be unsafe to do in a threaded parent.
"""

import argparse
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

NOBODY = 65534
CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
CANNOT_RUN = 126


def _call(function: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{function}: {os.strerror(code)}")


def _become_nobody_in_a_user_namespace() -> None:
    """Show root to the program as uid 65534; outside, its files stay root's (user_namespaces(7))."""
    _call("unshare", CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} 0 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} 0 1", encoding="ascii")


def _user_namespaces_allowed() -> bool:
    """Try it in a child of its own: a namespace that was entered half-way cannot be left again."""
    child = os.fork()
    if child == 0:
        try:
            _become_nobody_in_a_user_namespace()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _give(folder: Path, owner: int) -> None:
    """Change the owner of a folder and all in it; of the folder last, so that a broken-off run is repeated."""
    if folder.stat().st_uid == owner:
        return
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in (*folders, *files):
            os.chown(Path(parent, name), owner, owner, follow_symlinks=False)
    os.chown(folder, owner, owner)


def _leave_root(folders: Sequence[Path]) -> None:
    """Stop being root, in a user namespace where that is allowed and by changing the user where it is not."""
    if _user_namespaces_allowed():
        for folder in folders:
            _give(folder, 0)
        _become_nobody_in_a_user_namespace()
        return
    for folder in folders:
        _give(folder, NOBODY)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    for folder in folders:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(
                f"it does not run as root, and user {NOBODY}, as whom it would run instead, cannot enter "
                f"{folder}: set MEMOS_HOME to a folder that every user can enter, or run memos as another user"
            )


def _die_with(parent: int, by: signal.Signals) -> None:
    """Have the kernel send a signal when the parent's thread that forked us ends (prctl(2)).

    A change of credentials clears it, so it comes last; a parent that was gone before is noticed.
    Only Linux has it: elsewhere a child outlives a parent that is killed.
    """
    if sys.platform == "linux":
        _call("prctl", PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:
        sys.exit(CANNOT_RUN)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, required=True)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--not-root-in", type=Path, action="append", default=[])
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def main() -> None:
    """Become the program, or say in one line on standard error why not and exit with 126."""
    arguments = _arguments()
    try:
        os.umask(0o077)
        os.nice(arguments.nice)
        if arguments.not_root_in and os.geteuid() == 0:
            _leave_root(arguments.not_root_in)
        _die_with(arguments.parent, signal.Signals(arguments.signal))
        os.execv(arguments.command[0], arguments.command)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.stderr.write(f"cannot run {arguments.command[0]}: {error}\n")
        sys.exit(CANNOT_RUN)


if __name__ == "__main__":
    main()
