"""VideoModel and VideoSettings: names people know, values that no model could take refused."""

import math
import pickle

import pytest

from comfy_headless.catalog.models import VideoModel, VideoSettings
from comfy_headless.errors import ValidationError


def test_the_families_have_the_names_people_know():
    """The members are those of the reference API."""
    known = {"LTXV", "HUNYUAN_15", "WAN", "MOCHI", "ANIMATEDIFF", "SVD", "COGVIDEOX"}
    assert known <= set(VideoModel.__members__)


def test_settings_are_optional_and_frozen():
    """None leaves a setting to the preset; what is given is kept, and nothing changes later."""
    settings = VideoSettings(width=832, cfg="5.5", fps=24)
    assert settings.given() == {"width": 832, "cfg": 5.5, "fps": 24.0}
    assert VideoSettings().given() == {}
    assert pickle.loads(pickle.dumps(settings)) == settings
    with pytest.raises(Exception, match="frozen"):
        settings.width = 3


REFUSED = [
    ({"width": 640.5}, "width=640.5: expected a whole number"),
    ({"width": True}, "width=True: expected a number, not true or false"),
    ({"height": "tall"}, "height='tall': expected a whole number"),
    ({"frames": -8}, "frames=-8: expected at least 1"),
    ({"frames": 10**40}, "frames=a number of 133 bits"),
    ({"steps": 0}, "steps=0: expected at least 1"),
    ({"cfg": math.nan}, "cfg=nan: expected"),
    ({"shift": math.inf}, "shift=inf: expected"),
    ({"cfg": -1}, "cfg=-1: expected at least 0"),
    ({"fps": 0}, "fps=0: expected more than 0"),
    ({"seconds": -2}, "seconds=-2: expected more than 0"),
    ({"sampler": 5}, "sampler=5: expected a name"),
    ({"sampler": ""}, "sampler='': expected a name"),
    ({"widht": 640}, "unknown setting 'widht'; did you mean 'width'? There are: width, height, frames"),
    ({"width": 0, "steps": 0}, "width=0: expected at least 1; steps=0: expected at least 1"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED, ids=lambda v: str(v)[:40])
def test_impossible_settings_are_refused(given, message):
    """Our own error, naming setting, value and what is expected."""
    with pytest.raises(ValidationError) as error:
        VideoSettings(**given)
    assert message in str(error.value)


def test_whole_numbers_in_other_clothes():
    """640.0 and "640" are 640."""
    assert VideoSettings(width=640.0, height="640").given() == {"width": 640, "height": 640}
