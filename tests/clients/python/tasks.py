"""The ten tasks of docs/api-guide.md with a client that openapi-python-client makes."""

import datetime
import io
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

from kalends_client import AuthenticatedClient, Client, models
from kalends_client.api.accounts import create_token, login, logout, register
from kalends_client.api.calendars import create_calendar
from kalends_client.api.events import (
    cancel_instance,
    create_event,
    get_event,
    list_events,
    update_event,
    update_instance,
)
from kalends_client.api.feeds import create_feed, get_secret_feed
from kalends_client.api.history import get_diff, list_history, roll_back_event
from kalends_client.api.jobs import get_job, import_file, undo_job
from kalends_client.api.sharing import create_share_link, share_calendar
from kalends_client.api.venues import create_venue
from kalends_client.types import File

BASE = os.environ.get("API", "http://127.0.0.1:8080")
SAMPLE = Path(os.environ.get("SAMPLE", "samples/public-holidays.ics"))
PASSWORD = "a long password"


def parsed(kind, response):
    """Returns the parsed body of a response, which must be of this kind."""
    assert isinstance(response.parsed, kind), (response.status_code, response.content)
    return response.parsed


# 1 Sign up, sign in.
anonymous = Client(BASE)
sign_up = models.Registration(
    username="ada", email="ada@example.org", password=PASSWORD, role=models.SignUpRole.ORGANIZER
)
account = parsed(models.SignedUp, register.sync_detailed(client=anonymous, body=sign_up))
assert account.user.role == models.AccountRole.ORGANIZER
credentials = models.Login(login="ada", password=PASSWORD)
tokens = parsed(models.Tokens, login.sync_detailed(client=anonymous, body=credentials))
api = AuthenticatedClient(BASE, tokens.access_token)
nightly = models.PersonalTokenInput(name="nightly", scopes=[models.TokenScope.READ])
parsed(models.NewPersonalToken, create_token.sync_detailed(client=api, body=nightly))

# 2 A calendar, and an event that recurs.
choir = models.CalendarInput(name="Choir", time_zone="Europe/Zurich")
calendar = parsed(models.Calendar, create_calendar.sync_detailed(client=api, body=choir))
rehearsal = models.EventInput(
    calendar_id=calendar.id,
    title="Rehearsal",
    start="2027-03-22T19:30:00",
    end="2027-03-22T21:00:00",
    recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO"],
)
created = create_event.sync_detailed(client=api, body=rehearsal, idempotency_key="the rehearsal")
event = parsed(models.Event, created)
assert created.headers["location"].endswith(str(event.id))
repeated = create_event.sync_detailed(client=api, body=rehearsal, idempotency_key="the rehearsal")
assert parsed(models.Event, repeated).id == event.id

# 3 What is on this month.
utc = datetime.timezone.utc
month = parsed(
    models.EventPage,
    list_events.sync_detailed(
        client=api,
        from_=datetime.datetime(2027, 3, 1, tzinfo=utc),
        to=datetime.datetime(2027, 4, 1, tzinfo=utc),
        expand=True,
        calendar_id=calendar.id,
    ),
)
assert len(month.items) == 2 and month.next_cursor is None

# 4 One date, the rest, or all.
elsewhere = models.InstancePatch(location="Town hall")
moved = update_instance.sync_detailed(event.id, "20270329T193000", client=api, body=elsewhere)
assert parsed(models.Event, moved).location == "Town hall"
assert cancel_instance.sync_detailed(event.id, "20270405T193000", client=api).status_code == 204
later = models.InstancePatch(start="2027-05-03T20:00:00", end="2027-05-03T21:30:00")
rest = update_instance.sync_detailed(
    event.id, "20270503T193000", client=api, body=later, scope=models.InstanceScope.FOLLOWING
)
assert parsed(models.Event, rest).id != event.id
renamed = models.EventPatch(title="Choir rehearsal")
parsed(models.Event, update_event.sync_detailed(event.id, client=api, body=renamed))

# 5 Two people editing.
stale = update_event.sync_detailed(event.id, client=api, body=models.EventPatch(title="Mine"), if_match='"1"')
assert stale.status_code == 412 and parsed(models.ChangedProblem, stale).status == 412
patch = models.EventPatch(base_version=1, description="Bring your music")
merged = parsed(models.Event, update_event.sync_detailed(event.id, client=api, body=patch))
assert merged.title == "Choir rehearsal"
etag = get_event.sync_detailed(event.id, client=api).headers["etag"]
assert get_event.sync_detailed(event.id, client=api, if_none_match=etag).status_code == 304

# 6 Share.
viewer = models.ShareInput(users=[models.ShareLine(username="alice", role=models.Role.VIEWER)])
shared = parsed(models.Permissions, share_calendar.sync_detailed(calendar.id, client=api, body=viewer))
assert any(one.username == "alice" and one.role == models.Role.VIEWER for one in shared.items)

# 7 No double booking.
aula = models.VenueInput(name="Aula", conflicts=models.ConflictPolicy.REJECT)
room = parsed(models.Venue, create_venue.sync_detailed(client=api, body=aula))
play = models.EventInput(title="Play", venue_id=room.id, start="2027-06-01T18:00:00", end="2027-06-01T20:00:00")
parsed(models.Event, create_event.sync_detailed(client=api, body=play))
debate = models.EventInput(title="Debate", venue_id=room.id, start="2027-06-01T19:00:00", end="2027-06-01T21:00:00")
problem = parsed(models.ConflictProblem, create_event.sync_detailed(client=api, body=debate))
assert problem.conflicts[0].title == "Play"

# 8 Move in: import an .ics file.
upload = models.ImportInput(
    file=File(io.BytesIO(SAMPLE.read_bytes()), "holidays.ics", "text/calendar"),
    profile="ics",
    calendar_id=calendar.id,
    dry_run="false",
)
job = parsed(models.Job, import_file.sync_detailed(client=api, body=upload))
for _ in range(300):
    if job.state not in (models.JobState.QUEUED, models.JobState.RUNNING):
        break
    time.sleep(0.1)
    job = parsed(models.Job, get_job.sync_detailed(job.id, client=api))
assert isinstance(job.result, models.ImportResult) and job.result.created > 0, job
assert undo_job.sync_detailed(job.id, client=api).status_code in (202, 204)

# 9 On the phone: a feed, and a share link.
feed = parsed(models.NewFeed, create_feed.sync_detailed(client=api, body=models.FeedInput(name="Phone")))
token = Path(urlsplit(feed.url).path).stem
text = get_secret_feed.sync_detailed(token, client=anonymous)
assert text.content.startswith(b"BEGIN:VCALENDAR")
concerts = models.ShareLinkInput(event_ids=[event.id], name="Our concerts")
assert parsed(models.NewShareLink, create_share_link.sync_detailed(client=api, body=concerts)).url

# 10 Who changed what, and undo.
history = parsed(models.HistoryPage, list_history.sync_detailed(event.id, client=api))
assert history.items[0].actor.name == "ada"
assert parsed(models.Diff, get_diff.sync_detailed(event.id, 1, 2, client=api)).to == 2
back = roll_back_event.sync_detailed(event.id, 1, client=api, body=models.RollbackInput())
assert parsed(models.Event, back).title == "Rehearsal"

assert logout.sync_detailed(client=api).status_code == 204
print("ten tasks done")
