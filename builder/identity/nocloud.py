"""The CD of the transport `iso`, for deployments."""

from builder.identity.transports.iso import image

__all__ = ["image"]
