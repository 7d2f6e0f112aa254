"""The properties of the transport `ovf`, for deployments."""

from builder.identity.transports.ovf import properties

__all__ = ["properties"]
