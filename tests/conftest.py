"""What all suites share."""

import os

from hypothesis import HealthCheck, settings

# two cores shared with switches: how long an example takes says nothing
settings.register_profile("tenet", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
# what is being merged is judged by the same examples each time; everybody else looks further with each run
settings.register_profile("ci", settings.get_profile("tenet"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "tenet")
