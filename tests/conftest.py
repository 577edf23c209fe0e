"""Settings of all tests."""

from hypothesis import settings

# How long one example takes says more about the machine than about the property.
settings.register_profile("codegrove", deadline=None)
settings.load_profile("codegrove")
