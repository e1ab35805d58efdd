/* Lanes: one for each call that has something to be told. The first of a lane is
 * in flight, or ready, or due later: lanes that are ready stand in a line, those
 * that wait in a heap by their time. See webhook_queue.h. */
#include "server/webhook_queue.h"

#include <errno.h>
#include <string.h>

#include <re.h>

enum { ID_SIZE = 32, BUCKETS = 1024 };

struct gw_webhook_lane {
	struct le he;    /* by call; not linked when it is of no call */
	struct le ready; /* linked when its first may go              */
	struct gw_webhook_item *head, **tail;
	uint64_t last_id; /* of its newest */
	char call_id[ID_SIZE];
	size_t place; /* in the heap, from 1; 0: not in it */
};

struct gw_webhook_queue {
	bool unordered, shut;
	uint32_t parallel, in_flight, waiting, failures;
	uint64_t probe_at; /* when the circuit is open */
	struct hash *calls;
	struct list ready;
	struct gw_webhook_lane **heap; /* heap[1] is due first */
	size_t heaped, room;           /* room: for all lanes there are */
	size_t lanes;
};

/* The heap ------------------------------------------------------------------- */

static uint64_t due_of(const struct gw_webhook_lane *lane)
{
	return lane->head->own.due;
}

static void put(struct gw_webhook_queue *q, size_t place,
		struct gw_webhook_lane *lane)
{
	q->heap[place] = lane;
	lane->place = place;
}

static void sift_up(struct gw_webhook_queue *q, struct gw_webhook_lane *lane,
		    size_t place)
{
	while (place > 1 && due_of(q->heap[place / 2]) > due_of(lane)) {
		put(q, place, q->heap[place / 2]);
		place /= 2;
	}
	put(q, place, lane);
}

static void sift_down(struct gw_webhook_queue *q, struct gw_webhook_lane *lane,
		      size_t place)
{
	size_t child;

	while ((child = 2 * place) <= q->heaped) {
		if (child < q->heaped &&
		    due_of(q->heap[child + 1]) < due_of(q->heap[child]))
			child++;
		if (due_of(lane) <= due_of(q->heap[child]))
			break;
		put(q, place, q->heap[child]);
		place = child;
	}
	put(q, place, lane);
}

static struct gw_webhook_lane *heap_shift(struct gw_webhook_queue *q)
{
	struct gw_webhook_lane *first = q->heap[1];
	struct gw_webhook_lane *last = q->heap[q->heaped--];

	first->place = 0;
	if (first != last)
		sift_down(q, last, 1);
	return first;
}

/* Out of the middle. */
static void heap_take(struct gw_webhook_queue *q, struct gw_webhook_lane *lane)
{
	struct gw_webhook_lane *last = q->heap[q->heaped--];
	const size_t place = lane->place;

	lane->place = 0;
	if (last == lane)
		return;
	sift_up(q, last, place);
	sift_down(q, last, last->place);
}

/* There is room for every lane before it is needed: putting one in can't fail. */
static int make_room(struct gw_webhook_queue *q)
{
	struct gw_webhook_lane **heap;
	const size_t room = q->room ? 2 * q->room : 64;

	if (q->lanes < q->room)
		return 0;
	heap = mem_zalloc((room + 1) * sizeof(struct gw_webhook_lane *), NULL);
	if (!heap)
		return ENOMEM;
	if (q->heap)
		memcpy(heap, q->heap,
		       (q->heaped + 1) * sizeof(struct gw_webhook_lane *));
	mem_deref(q->heap);
	q->heap = heap;
	q->room = room;
	return 0;
}

/* Lanes ----------------------------------------------------------------------- */

static void item_destructor(void *arg)
{
	struct gw_webhook_item *item = arg;

	mem_deref(item->url);
	mem_deref(item->event);
}

static void lane_destructor(void *arg)
{
	struct gw_webhook_lane *lane = arg;
	struct gw_webhook_item *item;

	hash_unlink(&lane->he);
	list_unlink(&lane->ready);
	while ((item = lane->head)) {
		lane->head = item->own.next;
		mem_deref(item);
	}
}

static bool has_call(struct le *le, void *arg)
{
	const struct gw_webhook_lane *lane = le->data;

	return !strcmp(lane->call_id, arg);
}

static struct gw_webhook_lane *find_lane(struct gw_webhook_queue *q,
					 const char *call_id)
{
	return list_ledata(hash_lookup(q->calls, hash_joaat_str(call_id),
				       has_call, (void *)(uintptr_t)call_id));
}

static int new_lane(struct gw_webhook_lane **lanep, struct gw_webhook_queue *q,
		    const char *call_id)
{
	struct gw_webhook_lane *lane;
	int err;

	err = make_room(q);
	if (err)
		return err;
	lane = mem_zalloc(sizeof(*lane), lane_destructor);
	if (!lane)
		return ENOMEM;
	lane->tail = &lane->head;
	if (*call_id && !q->unordered) {
		str_ncpy(lane->call_id, call_id, sizeof(lane->call_id));
		hash_append(q->calls, hash_joaat_str(lane->call_id), &lane->he,
			    lane);
	}
	q->lanes++;
	*lanep = lane;
	return 0;
}

/* Its first is neither in flight nor anywhere yet. */
static void place_lane(struct gw_webhook_queue *q, struct gw_webhook_lane *lane)
{
	q->heaped++;
	sift_up(q, lane, q->heaped);
}

static bool is_in_flight(const struct gw_webhook_lane *lane)
{
	return lane->head && !lane->place && !lane->ready.list;
}

/* Mostly it is the newest. */
static void put_item(struct gw_webhook_queue *q, struct gw_webhook_lane *lane,
		     struct gw_webhook_item *item)
{
	struct gw_webhook_item **at = &lane->head;

	item->own.lane = lane;
	if (item->id > lane->last_id) {
		at = lane->tail;
		lane->last_id = item->id;
	} else if (is_in_flight(lane)) {
		at = &lane->head->own.next;
	}
	while (*at && (*at)->id < item->id)
		at = &(*at)->own.next;
	/* its first says when the lane is due */
	if (at == &lane->head && lane->place)
		heap_take(q, lane);
	item->own.next = *at;
	*at = item;
	if (!item->own.next)
		lane->tail = &item->own.next;
	if (lane->head == item && !lane->ready.list)
		place_lane(q, lane);
}

int gw_webhook_queue_add(struct gw_webhook_item **itemp,
			 struct gw_webhook_queue *q, uint64_t id,
			 const char *call_id, const char *url, uint64_t due)
{
	struct gw_webhook_item *item;
	struct gw_webhook_lane *lane = NULL;
	int err = 0;

	item = mem_zalloc(sizeof(*item), item_destructor);
	if (!item)
		return ENOMEM;
	item->id = id;
	item->own.due = due;
	if (url)
		err = str_dup(&item->url, url);
	if (!err && *call_id && !q->unordered)
		lane = find_lane(q, call_id);
	if (!err && !lane)
		err = new_lane(&lane, q, call_id);
	if (err) {
		mem_deref(item);
		return err;
	}

	put_item(q, lane, item);
	q->waiting++;
	*itemp = item;
	return 0;
}

/* What may go ------------------------------------------------------------------ */

static bool is_open(const struct gw_webhook_queue *q)
{
	return q->failures >= GW_WEBHOOK_CIRCUIT;
}

static bool may_go(const struct gw_webhook_queue *q, uint64_t now)
{
	if (q->shut || q->in_flight >= q->parallel)
		return false;
	return !is_open(q) || (!q->in_flight && now >= q->probe_at);
}

static void gather_ready(struct gw_webhook_queue *q, uint64_t now)
{
	while (q->heaped && due_of(q->heap[1]) <= now) {
		struct gw_webhook_lane *lane = heap_shift(q);

		list_append(&q->ready, &lane->ready, lane);
	}
}

struct gw_webhook_item *gw_webhook_queue_next(struct gw_webhook_queue *q,
					      uint64_t now)
{
	struct gw_webhook_lane *lane;

	if (!may_go(q, now))
		return NULL;
	gather_ready(q, now);
	lane = list_ledata(list_head(&q->ready));
	if (!lane)
		return NULL;
	list_unlink(&lane->ready);
	q->in_flight++;
	return lane->head;
}

uint64_t gw_webhook_queue_due(const struct gw_webhook_queue *q, uint64_t now)
{
	uint64_t due;

	/* whatever comes back asks again */
	if (q->shut || q->in_flight >= q->parallel ||
	    (is_open(q) && q->in_flight))
		return UINT64_MAX;
	due = q->ready.head ? now : q->heaped ? due_of(q->heap[1]) : UINT64_MAX;
	if (due != UINT64_MAX && is_open(q) && due < q->probe_at)
		due = q->probe_at;
	return due;
}

void gw_webhook_queue_done(struct gw_webhook_queue *q,
			   struct gw_webhook_item *item)
{
	struct gw_webhook_lane *lane = item->own.lane;

	q->in_flight--;
	q->waiting--;
	lane->head = item->own.next;
	mem_deref(item);
	if (lane->head) {
		place_lane(q, lane);
		return;
	}
	q->lanes--;
	mem_deref(lane);
}

void gw_webhook_queue_again(struct gw_webhook_queue *q,
			    struct gw_webhook_item *item, uint64_t due)
{
	q->in_flight--;
	item->own.due = due;
	place_lane(q, item->own.lane);
}

void gw_webhook_queue_went(struct gw_webhook_queue *q, bool well, uint64_t now)
{
	if (well) {
		q->failures = 0;
		return;
	}
	if (q->failures < UINT32_MAX)
		q->failures++;
	if (is_open(q))
		q->probe_at = now + GW_WEBHOOK_PROBE_MS;
}

void gw_webhook_queue_shut(struct gw_webhook_queue *q, bool shut)
{
	q->shut = shut;
	if (!shut)
		q->failures = 0;
}

void gw_webhook_queue_stats(const struct gw_webhook_queue *q,
			    struct gw_webhook_queue_stats *stats)
{
	*stats = (struct gw_webhook_queue_stats){
		.waiting = q->waiting,
		.in_flight = q->in_flight,
		.failures = q->failures,
		.open = is_open(q),
	};
}

/* Up and down ------------------------------------------------------------------ */

static void queue_destructor(void *arg)
{
	struct gw_webhook_queue *q = arg;

	for (size_t i = 1; i <= q->heaped; i++)
		mem_deref(q->heap[i]);
	list_flush(&q->ready);
	/* what is left is in flight, and in its call's lane */
	hash_flush(q->calls);
	mem_deref(q->calls);
	mem_deref(q->heap);
}

int gw_webhook_queue_alloc(struct gw_webhook_queue **queuep, bool unordered,
			   uint32_t parallel)
{
	struct gw_webhook_queue *q = mem_zalloc(sizeof(*q), queue_destructor);
	int err;

	if (!q)
		return ENOMEM;
	q->unordered = unordered;
	q->parallel = parallel;
	list_init(&q->ready);
	err = hash_alloc(&q->calls, BUCKETS);
	if (err)
		mem_deref(q);
	else
		*queuep = q;
	return err;
}
