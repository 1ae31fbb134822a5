from tests.screening.fixtures import *  # noqa: F403  # the fixtures of the sample
