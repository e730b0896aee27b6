"""What all suites share."""

from hypothesis import HealthCheck, settings

# two cores shared with switches: how long an example takes says nothing
settings.register_profile("tenet", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tenet")
