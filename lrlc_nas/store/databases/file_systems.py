"""Which file system a path lies on, and whether other machines may write to it too.

SQLite's write-ahead log needs memory that all of its processes share, and these must be on one machine (sqlite.org,
"Write-Ahead Logging"). Linux says in /proc/self/mountinfo what is mounted where (proc_pid_mountinfo(5)).
"""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["file_system", "is_on_network", "is_shared"]

_MOUNTS = Path("/proc/self/mountinfo")
_SHARED = re.compile(
    r"9p|acfs|afs|beegfs|ceph|cifs|coda|davfs|gfs2?|glusterfs|gpfs|lustre|ncpfs|nfs4?|ocfs2|orangefs|panfs|prl_fs|pvfs2"
    r"|smb2|smb3|smbfs|vboxsf|virtiofs|wekafs"
)
# FUSE serves local disks too, and these are what it is used for there.
_LOCAL_FUSE = frozenset({"fuse.ntfs", "fuse.ntfs-3g", "fuse.fuse-overlayfs", "fuse.lxcfs", "fuse.mergerfs"})
_OCTAL = re.compile(r"\\([0-7]{3})")


def is_on_network(path: Path) -> bool:
    """Whether a path lies where other machines may write; False where this system does not tell."""
    try:
        mounts = _MOUNTS.read_text(errors="surrogateescape")
    except OSError:
        return False
    return is_shared(file_system(path.resolve(), mounts))


def is_shared(kind: str) -> bool:
    """Whether a file system of this kind may be written by several machines, which FUSE does not say for itself."""
    return (
        _SHARED.fullmatch(kind) is not None or kind == "fuse" or (kind.startswith("fuse.") and kind not in _LOCAL_FUSE)
    )


def file_system(path: Path, mounts: str) -> str:
    """The kind of the file system that an absolute path lies on.

    Args:
        path: without symbolic links.
        mounts: what /proc/self/mountinfo holds.

    Returns:
        For example ``ext4`` or ``nfs4``; empty if no mount point leads to the path.
    """
    found, kind = -1, ""
    for line in mounts.splitlines():
        before, separator, after = line.partition(" - ")
        fields, kinds = before.split(" "), after.split(" ")
        if not separator or len(fields) < 5:
            continue
        place = Path(_OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4]))
        # Of two on one place the later one hides the earlier.
        if path.is_relative_to(place) and len(place.parts) >= found:
            found, kind = len(place.parts), kinds[0]
    return kind
