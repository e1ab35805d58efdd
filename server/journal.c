/* A ring of references. Its places are numbered from 0 for ever; place n lies in
 * slot n modulo the ring's size. Ids are dense most of the time, so the place of
 * an id is guessed first and searched for only when the guess is wrong. */
#include <errno.h>

#include <re.h>

#include "server/events.h"
#include "server/journal.h"

struct slot {
	const struct gw_event *ev;
};

struct gw_journal {
	struct slot *ring;
	uint64_t size;       /* a power of two */
	uint64_t first, end; /* places */
	size_t bytes, max_bytes;
	uint64_t head_id, floor_id;
};

static const struct gw_event *at(const struct gw_journal *j, uint64_t place)
{
	return j->ring[place & (j->size - 1)].ev;
}

static void deref(const struct gw_event *ev)
{
	union {
		const struct gw_event *ev;
		void *p;
	} u = { .ev = ev };

	mem_deref(u.p);
}

static const struct gw_event *ref(const struct gw_event *ev)
{
	union {
		const struct gw_event *ev;
		void *p;
	} u = { .ev = ev };

	return mem_ref(u.p);
}

static void drop_oldest(struct gw_journal *j)
{
	const struct gw_event *ev = at(j, j->first++);

	j->bytes -= ev->frame_len;
	j->floor_id = ev->id;
	deref(ev);
}

void gw_journal_clear(struct gw_journal *j)
{
	while (j->first < j->end)
		drop_oldest(j);
}

static void journal_destructor(void *arg)
{
	struct gw_journal *j = arg;

	gw_journal_clear(j);
	mem_deref(j->ring);
}

int gw_journal_alloc(struct gw_journal **journalp, uint32_t max_events,
		     uint32_t max_bytes, uint64_t head_id)
{
	struct gw_journal *j;

	j = mem_zalloc(sizeof(*j), journal_destructor);
	if (!j)
		return ENOMEM;

	for (j->size = 1; j->size < max_events;)
		j->size <<= 1;
	j->max_bytes = max_bytes;
	j->head_id = j->floor_id = head_id;

	j->ring = mem_zalloc(j->size * sizeof(*j->ring), NULL);
	if (!j->ring) {
		mem_deref(j);
		return ENOMEM;
	}

	*journalp = j;
	return 0;
}

/* The newest one stays, however big it is. */
void gw_journal_add(struct gw_journal *j, const struct gw_event *ev)
{
	while (j->first < j->end && (j->end - j->first == j->size ||
				     j->bytes + ev->frame_len > j->max_bytes))
		drop_oldest(j);

	j->ring[j->end++ & (j->size - 1)].ev = ref(ev);
	j->bytes += ev->frame_len;
	j->head_id = ev->id;
}

uint64_t gw_journal_head(const struct gw_journal *j)
{
	return j->head_id;
}

uint64_t gw_journal_floor(const struct gw_journal *j)
{
	return j->floor_id;
}

/* The lowest place whose id is above id. */
static uint64_t search(const struct gw_journal *j, uint64_t id)
{
	uint64_t low = j->first, high = j->end;

	while (low < high) {
		const uint64_t mid = low + (high - low) / 2;

		if (at(j, mid)->id > id)
			high = mid;
		else
			low = mid + 1;
	}

	return low;
}

const struct gw_event *gw_journal_after(const struct gw_journal *j, uint64_t id)
{
	uint64_t place;

	if (id >= j->head_id || j->first == j->end)
		return NULL;

	place = j->end - (j->head_id - id);
	if (j->head_id - id > j->end - j->first || at(j, place)->id != id + 1)
		place = search(j, id);

	return at(j, place);
}
