"""One image for many clusters: what another cluster's image lacks of this one's configuration comes with the seeds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from builder.errors import UserError
from builder.render import GuestFile, appliance
from builder.ship.baked_image import BakedImage
from builder.spec.features import keepalived_for
from builder.spec.model import Cluster

SEEDED = (
    "/etc/firewalld/zones/",
    "/etc/haproxy/",
    "/etc/resolv.conf",
    "/usr/share/vipforge/",
)
"""Files that a cluster's spec decides, and that are read only after cloud-init has written its files."""
NOTHING: Mapping[str, GuestFile] = MappingProxyType({})


def files(cluster: Cluster, image: BakedImage) -> Mapping[str, GuestFile]:
    """The cluster's files that the image has not, by path in the guest; none for the cluster's own image.

    Raises UserError where the image differs in more than a seed can bring: profile, keepalived, another vipforge.
    """
    if image.cluster in ("", cluster.cluster):
        return NOTHING
    rendered = appliance(cluster, image.facts, image.keepalived)
    wanted = {path: hashlib.sha256(file.content.encode()).hexdigest() for path, file in rendered.items()}
    differ = {path for path in {*wanted, *image.files} if wanted.get(path) != image.files.get(path)}
    unfit = sorted(path for path in differ if not path.startswith(SEEDED))
    if unfit or image.keepalived != (cluster.keepalived or keepalived_for(cluster, image.facts)):
        raise UserError(
            f"{image.path} was baked for {image.cluster}, which is another kind of cluster than {cluster.cluster}: "
            f"{', '.join(unfit) or 'its keepalived'} would be others",
            hint="bake an image of its own; clusters of one image have one profile, keepalived and kind of VIPs",
        )
    return {path: rendered[path] for path in sorted(differ) if path in rendered}
