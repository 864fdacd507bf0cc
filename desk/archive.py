"""An encrypted archive: a tar stream in the age format, with a list of its contents as its last member.

age is a public format: in need, ``age -d -i KEY FILE | tar x`` opens an archive without this program. It is
written and read as a stream, so nothing unencrypted touches the disk on the way.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pyrage
from pyrage import x25519

#: The last member: without it an archive is not whole.
LIST = "contents.json"
_BUFFER = 1 << 20


class ArchiveError(Exception):
    """The archive or its key cannot be used; the text says why."""


def open_key(path: Path, *, make: bool = False) -> x25519.Identity:
    """The key in a file of mode 600; ``make`` one where there is none. Raises :class:`ArchiveError`."""
    try:
        if make and not path.exists():
            _write_key(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ArchiveError(f"{path} can be read by others: chmod 600 {path}")
        lines = path.read_text(encoding="utf-8").splitlines()
        secret = next(line for line in lines if line.startswith("AGE-SECRET-KEY-"))
        return x25519.Identity.from_str(secret)
    except FileNotFoundError as e:
        raise ArchiveError(f"there is no key at {path}") from e
    except (OSError, UnicodeDecodeError, StopIteration, pyrage.IdentityError) as e:
        raise ArchiveError(f"{path} is no key of age, or cannot be read") from e


def write_archive(
    path: Path, files: Iterable[tuple[str, Path]], facts: Mapping[str, Any], key: x25519.Identity
) -> None:
    """Write ``files`` (name and place) and ``facts`` about them. What vanishes meanwhile is left out.

    Raises:
        OSError: the disk refuses it.
    """

    def fill(sink: BinaryIO) -> None:
        members = {}
        with tarfile.open(fileobj=sink, mode="w|", bufsize=_BUFFER) as tar:
            for name, place in files:
                added = _add(tar, name, place)
                if added is not None:
                    members[name] = added
            text = json.dumps({**facts, "members": members}).encode()
            info = tarfile.TarInfo(LIST)
            info.size, info.mode = len(text), 0o600
            tar.addfile(info, io.BytesIO(text))

    with (
        open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,
        _pipe(fill) as source,
    ):
        pyrage.encrypt_io(source, file, [key.to_public()])
        file.flush()
        os.fsync(file.fileno())


def read_archive(path: Path, key: x25519.Identity, *, into: Path | None = None) -> dict[str, Any]:
    """Read all of an archive, compare it with its list, and give its facts.

    Args:
        path: the archive.
        key: its key.
        into: an empty folder that takes the files; without one it is only a check.

    Raises:
        ArchiveError: another key's, broken, cut off, or none at all.
    """

    def fill(sink: BinaryIO) -> None:
        with path.open("rb") as file:
            pyrage.decrypt_io(file, sink, [key])

    try:
        with _pipe(fill) as source:
            found, text = _unpack(source, into)
        facts = json.loads(text)
        complete = isinstance(facts, dict) and facts.get("members") == found
    except (OSError, pyrage.DecryptError, tarfile.TarError, ValueError, EOFError) as e:
        raise ArchiveError(f"{path.name} cannot be read with this key: it is broken, or another one's") from e
    if not complete:
        raise ArchiveError(f"{path.name} is not whole")
    return dict(facts)


def _unpack(source: BinaryIO, into: Path | None) -> tuple[dict[str, Any], bytes]:
    found: dict[str, Any] = {}
    text = b""
    with tarfile.open(fileobj=source, mode="r|", bufsize=_BUFFER) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is None or text:
                raise tarfile.TarError("a member that we do not write")
            if member.name == LIST:
                text = content.read()
                continue
            reader = _Hashing(content)
            with _place(into, member.name) as place:
                shutil.copyfileobj(reader, place, _BUFFER)
            found[member.name] = reader.facts()
    # The encryption's own end mark is checked only by reading up to it.
    while source.read(_BUFFER):
        pass
    return found, text


@contextmanager
def _place(into: Path | None, name: str) -> Iterator[BinaryIO]:
    if into is None:
        with Path(os.devnull).open("wb") as nowhere:
            yield nowhere
        return
    place = (into / name).resolve()
    if not place.is_relative_to(into.resolve()):
        raise tarfile.TarError("a name that leads out of the folder")
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class _Hashing:
    """Reads on, and knows what was read."""

    def __init__(self, source: _Readable) -> None:
        self._source = source
        self._hash = hashlib.sha256()
        self._size = 0

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._hash.update(data)
        self._size += len(data)
        return data

    def facts(self) -> dict[str, Any]:
        return {"size": self._size, "sha256": self._hash.hexdigest()}


def _add(tar: tarfile.TarFile, name: str, place: Path) -> dict[str, Any] | None:
    try:
        file = place.open("rb")
    except FileNotFoundError:
        return None
    with file:
        facts = os.fstat(file.fileno())
        info = tarfile.TarInfo(name)
        # What is still being recorded grows: it is kept as long as it is now.
        info.size, info.mtime, info.mode = facts.st_size, int(facts.st_mtime), 0o600
        reader = _Hashing(file)
        tar.addfile(info, reader)
        return reader.facts()


@contextmanager
def _pipe(fill: Callable[[BinaryIO], None]) -> Iterator[BinaryIO]:
    """What ``fill`` writes, in a thread of its own, to be read here. Its error comes out of the block."""
    reading, writing = os.pipe()
    errors: list[Exception] = []

    def run() -> None:
        try:
            with os.fdopen(writing, "wb") as sink:
                fill(sink)
        except Exception as e:  # noqa: BLE001  it comes out of the block, where the reader is
            errors.append(e)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        with os.fdopen(reading, "rb", buffering=0) as source:
            yield io.BufferedReader(source, _BUFFER)
    finally:
        # Nobody reads on: a writer that is not done gets an error and ends.
        thread.join()
    if errors:
        raise errors[0]


def _write_key(path: Path) -> None:
    key = x25519.Identity.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(
            "# Opens the backups of Centralino. Keep a copy elsewhere: without it they are worth nothing.\n"
        )
        file.write(f"# public key: {key.to_public()}\n{key}\n")
        file.flush()
        os.fsync(file.fileno())
