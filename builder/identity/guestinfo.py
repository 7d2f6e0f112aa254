"""The variables of the transport `guestinfo`, for deployments."""

from builder.identity.transports.guestinfo import variables

__all__ = ["variables"]
