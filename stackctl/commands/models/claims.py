"""As whose model something on the disk is adopted: what it says itself, what the user says, what
the publisher says when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from stackctl.commands.models.shelf import Shelf, usual
from stackctl.model import Kind, Listing, LockedFile, LockedModel, RemoteFile, Source, StackError
from stackctl.models import source as sources
from stackctl.models.adoption import Found, Piece, narrowed
from stackctl.models.adoption.found import of_repository

#: hashes that are taken here, as nobody states any
OURS = "nobody's: as it is now"


@dataclass(frozen=True, slots=True)
class Claim:
    """Something on the disk under its source. Without `stated` hashes its pieces have none."""

    found: Found
    source: Source
    by: str
    stated: bool = True
    left_out: tuple[str, ...] = ()

    @property
    def model(self) -> LockedModel:
        """As it is to be locked, if its hashes are stated."""
        files = tuple(
            LockedFile(piece.path, piece.origin, piece.size, piece.digest)
            for piece in self.found.pieces
            if piece.digest
        )
        return LockedModel(self.source, self.found.revision, files)


def own(found: Found, source: Source | None = None) -> Claim:
    """Of which nobody states a hash."""
    return Claim(found, source or Source(Kind.FILE, found.path), OURS, stated=False)


def claim(shelf: Shelf, found: Found, wanted: Source | None = None) -> Claim:
    """Under the source that is wanted, else the one that it says itself."""
    if wanted is None:
        return _by_itself(shelf, found)
    if wanted.kind is Kind.FILE:
        return own(found, wanted)
    if wanted.kind is Kind.URL:
        return _single(found, wanted)
    if found.source is None or _name(found.source) == _name(wanted):
        here = narrowed(found, wanted.include, wanted.exclude)
        known = here.pieces and all(piece.digest for piece in here.pieces)
        # another revision than the one that is here may have other files
        if known and wanted.revision in ("", found.revision, _revision(found)):
            return Claim(here, _fitting(wanted, here), found.by)
    return _asked(shelf, found, wanted)


def _by_itself(shelf: Shelf, found: Found) -> Claim:
    source = found.source
    known = [piece for piece in found.pieces if piece.digest]
    if source is None:
        if not known:
            return own(found)
        foreign = tuple(piece.path for piece in found.pieces if not piece.digest)
        found = replace(found, pieces=tuple(known))
        return Claim(found, Source(Kind.FILE, found.path), found.by, left_out=foreign)
    if source.kind is Kind.OLLAMA:
        return Claim(found, source, found.by)
    wanted = usual(source)
    found = narrowed(found, wanted.include, wanted.exclude)
    if known:
        foreign = tuple(piece.path for piece in found.pieces if not piece.digest)
        found = replace(found, pieces=tuple(piece for piece in found.pieces if piece.digest))
        return Claim(found, wanted, found.by, left_out=foreign)
    asked = _asked(shelf, found, replace(wanted, revision=found.revision))
    return replace(asked, source=wanted)


def _asked(shelf: Shelf, found: Found, wanted: Source) -> Claim:
    """With the hashes that the publisher states now."""
    try:
        listing = shelf.listing(wanted)
    except StackError as error:
        fix = f"{error.fix}; without its hashes: --source file:{found.path}"
        raise StackError(error.message, fix=fix, exit_code=error.exit_code) from None
    found = replace(found, source=wanted, revision=listing.revision)
    pairs = {piece.path: _counterpart(found, piece, listing) for piece in found.pieces}
    pieces = tuple(
        Piece(piece.path, remote.path, remote.size, remote.digest)
        for piece in found.pieces
        if (remote := pairs[piece.path])
    )
    if not pieces:
        names = ", ".join(sorted(file.path for file in listing.files)[:5])
        raise StackError(
            f"{found.path}: no file of {sources.spec(wanted)} has this name or size",
            fix=f"name the file: {wanted.kind}:{wanted.name}/FILE; it has {names}",
            exit_code=2,
        )
    made = of_repository(replace(found, pieces=pieces), _absent(pieces, listing.files))
    left_out = tuple(path for path, remote in pairs.items() if remote is None)
    who = "ModelScope" if wanted.kind is Kind.MODELSCOPE else "the publisher"
    by = f"{'the Hub' if wanted.kind is Kind.HUB else who}, asked now"
    return Claim(made, _fitting(wanted, made), by, left_out=left_out)


def _counterpart(found: Found, piece: Piece, listing: Listing) -> RemoteFile | None:
    """The file of a listing that a file here is: by its path, its name, or its size."""

    def only(fits: Callable[[RemoteFile], bool]) -> RemoteFile | None:
        fitting = [file for file in listing.files if fits(file)]
        return fitting[0] if len(fitting) == 1 else None

    name = PurePosixPath(piece.path).name
    same = only(lambda file: file.path == piece.origin) or only(
        lambda file: PurePosixPath(file.path).name == name
    )
    if same or len(found.pieces) > 1:
        return same
    if len(listing.files) == 1:
        return listing.files[0]
    return only(lambda file: file.size == piece.size)


def _absent(pieces: Iterable[Piece], files: Iterable[RemoteFile]) -> list[Piece]:
    """What the publisher has beside the files that are here, where it would lie."""
    pieces = tuple(pieces)
    here = {piece.origin for piece in pieces}
    folder = PurePosixPath(pieces[0].path).parent
    nested = any("/" in piece.origin for piece in pieces)
    if nested and pieces[0].path.endswith(pieces[0].origin):
        folder = PurePosixPath(pieces[0].path[: -len(pieces[0].origin)] or ".")
    return [
        Piece(
            str(folder / (file.path if nested else PurePosixPath(file.path).name)),
            file.path,
            file.size,
            file.digest,
            there=False,
        )
        for file in files
        if file.path not in here
    ]


def _fitting(wanted: Source, found: Found) -> Source:
    """The source as wanted; of files that are no whole model, with their names."""
    whole = of_repository(replace(found, source=wanted), ()).source
    return (
        wanted
        if wanted.include or whole is None or not whole.include
        else replace(whole, exclude=())
    )


def _single(found: Found, wanted: Source) -> Claim:
    if len(found.pieces) != 1:
        raise StackError(
            f"{found.path}: {len(found.pieces)} files, and a URL is of one",
            fix=f"name the file itself: stackctl models adopt {found.path}/FILE",
            exit_code=2,
        )
    origin = sources.address(wanted).partition("?")[0].rpartition("/")[2]
    piece = replace(found.pieces[0], origin=origin, digest=wanted.digest)
    return Claim(replace(found, pieces=(piece,), revision=""), wanted, "the source itself")


def _name(source: Source) -> tuple[Kind, str]:
    return source.kind, source.name


def _revision(found: Found) -> str:
    return found.source.revision if found.source else ""
