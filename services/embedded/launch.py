"""Becomes another program that ends when its parent does, optionally as an unprivileged user.

Run as a script by the supervisor, so that nothing happens between fork and exec of a process with threads:

    python -I -S launch.py SIGNAL PARENT_PID UID:GID:FILES -- PROGRAM ARGUMENT…

UID 0 keeps the user. The tie is set after the change of user, which would clear it.
The process id stays the same throughout.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def tie_to_parent(signal: int, parent: int) -> None:
    """The kernel sends us `signal` when the thread that started us ends; exits if that has already happened."""
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, signal)
        if os.getppid() != parent:
            sys.exit(1)


def become(uid: int, gid: int, *, all_files: bool) -> None:
    """This process is `uid`; with `all_files` it keeps root's way past file permissions, and nothing else of root.

    That is for a program that lies where only root can go (a home folder that is closed to others), without opening
    that folder to everyone.
    """
    if all_files:
        _prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([gid])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if all_files:
        bit = 1 << CAP_DAC_OVERRIDE
        header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
        low_then_high = struct.pack("6I", bit, bit, bit, 0, 0, 0)
        if ctypes.CDLL(None, use_errno=True).capset(header, low_then_high) != 0:
            raise OSError(ctypes.get_errno(), "capset")
        _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE)


def _prctl(option: int, *arguments: int) -> None:
    values = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    if ctypes.CDLL(None, use_errno=True).prctl(option, *values) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def main(arguments: list[str]) -> None:
    """Does not return: this process is the program."""
    signal, parent, identity, _, *program = arguments
    uid, gid, all_files = (int(part) for part in identity.split(":"))
    if uid:
        become(uid, gid, all_files=bool(all_files))
    tie_to_parent(int(signal), int(parent))
    try:
        os.execv(program[0], program)  # noqa: S606  no shell is wanted
    except OSError as error:
        sys.exit(f"cannot run {program[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
