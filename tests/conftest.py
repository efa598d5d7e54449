"""What all tests share: no deadline for a random example, because a machine under load is not a fault."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("verbatim", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("verbatim")
