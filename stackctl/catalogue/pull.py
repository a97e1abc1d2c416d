"""What the daemon says when an image cannot be had."""

from __future__ import annotations

from stackctl.model import Failure, Where

_AT = (Where.PULL,)

PULL: tuple[Failure, ...] = (
    Failure(
        "registry-unreachable",
        r"no such host|dial tcp |Client\.Timeout exceeded|TLS handshake timeout",
        "the image cannot be had, the registry is not reachable",
        "check the network, or load the image by hand: docker load",
        _AT,
        source="Go: net; moby: registry",
    ),
    Failure(
        "pull-limit",
        r"toomanyrequests:",
        "the image cannot be had, the registry lets nobody pull more for now",
        "docker login raises the limit; or wait some hours; or load the image by hand: docker load",
        _AT,
        source="Docker Hub: usage and limits",
    ),
    Failure(
        "image-denied",
        r"pull access denied|denied: requested access to the resource is denied",
        "the image cannot be had: it does not exist, or only for those who log in",
        "correct its name in env/images.env; for a simulated image: make setup; for one of yours: "
        "docker login",
        _AT,
        source="moby: distribution/errors.go",
    ),
    Failure(
        "image-platform",
        r"no matching manifest for ",
        "the image is not made for this machine's processor",
        "uname -m; take another image or tag (env/images.env)",
        _AT,
        source="moby: distribution/pull_v2.go",
    ),
    Failure(
        "image-tag",
        r"manifest unknown|manifest for \S+ not found",
        "the image's tag does not exist",
        "correct the tag in env/images.env",
        _AT,
        source="moby: distribution/errors.go",
    ),
    Failure(
        "image-missing",
        r"failed to resolve reference|No such image: |repository \S+ not found",
        "the image cannot be had",
        "correct its name in env/images.env; for a simulated image: make setup",
        _AT,
        source="containerd: remotes/docker; moby: daemon/images",
    ),
)
