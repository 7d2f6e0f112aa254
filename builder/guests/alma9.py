"""AlmaLinux 9."""

from __future__ import annotations

from builder.guests.rpm import El9Facts, el9_epel, el9_repositories

FOLDER = "9/"
"""The folder of the release on its mirrors; the signing key is outside that folder."""

GUEST = El9Facts(
    name="alma9",
    title="AlmaLinux 9",
    bases=("9.7-20251118",),
    base_gib=10,
    bake_user="almalinux",
    repositories=el9_repositories(
        "https://repo.almalinux.org/almalinux",
        key="RPM-GPG-KEY-AlmaLinux-9",
        fingerprint="BF18AC2876178908D6E71267D36CB86CB86B3716",
        folder=FOLDER,
    ),
    epel=el9_epel(FOLDER),
    os_id="almalinux",
    vsphere_type="almalinux_64Guest",
    cim_type=101,  # any Linux: the list has no number for AlmaLinux
)
