/* sip/stack_door.c - friends and strangers, and how much of either: see
 * stack_door.h.
 *
 * A connection's end isn't told to us. But what a descriptor is connected to can be
 * asked, and that is done when there would be one too many: whoever isn't where he
 * was any more has left. */
#include "sip/stack_door.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum {
	SEATS = GW_DOOR_FRIENDS_CONNECTIONS + GW_DOOR_STRANGERS_CONNECTIONS,
};

struct source {
	struct sa addr;
	struct gw_door_bucket bucket;
};

struct seat {
	bool is_taken, is_friend;
	int fd;
	uint64_t since; /* ordinal */
	struct sa peer;
};

struct gw_door {
	struct sa friends[GW_DOOR_FRIENDS_MAX]; /* a ring, the latest anywhere */
	uint64_t heard[GW_DOOR_FRIENDS_MAX];    /* ordinal; 0: free */
	uint64_t clock;
	struct source sources[GW_DOOR_SOURCES];
	struct gw_door_bucket strangers;
	struct seat seats[SEATS];
};

/* Rates --------------------------------------------------------------------- */

bool gw_door_take(struct gw_door_bucket *bucket, uint32_t rate, uint32_t burst,
		  uint64_t now_ms)
{
	const uint64_t full = (uint64_t)burst * 1000;
	const uint64_t gone = now_ms > bucket->at_ms ? now_ms - bucket->at_ms :
						       0;

	if (!bucket->is_used || gone > full / rate)
		bucket->milli = full;
	else
		bucket->milli = MIN(full, bucket->milli + gone * rate);
	bucket->is_used = true;
	bucket->at_ms = now_ms;

	if (bucket->milli < 1000)
		return false;
	bucket->milli -= 1000;
	return true;
}

/* Friends ------------------------------------------------------------------- */

static bool same(const struct sa *a, const struct sa *b)
{
	return sa_cmp(a, b, SA_ADDR);
}

void gw_door_befriend(struct gw_door *door, const struct sa *addr)
{
	size_t at = 0;

	for (size_t i = 0; i < GW_DOOR_FRIENDS_MAX; i++) {
		if (door->heard[i] && sa_cmp(&door->friends[i], addr, SA_ALL)) {
			at = i;
			break;
		}
		if (door->heard[i] < door->heard[at])
			at = i;
	}

	door->friends[at] = *addr;
	door->heard[at] = ++door->clock;
}

static bool is_any_friend(const struct gw_door *door, const struct sa *addr,
			  int flag)
{
	for (size_t i = 0; i < GW_DOOR_FRIENDS_MAX; i++) {
		if (door->heard[i] && sa_cmp(&door->friends[i], addr, flag))
			return true;
	}

	return false;
}

bool gw_door_is_friend(const struct gw_door *door, const struct sa *addr)
{
	return is_any_friend(door, addr, SA_ADDR);
}

/* Messages ------------------------------------------------------------------ */

/* Who has a /64 has as many addresses as he likes. */
static struct sa source_of(const struct sa *addr)
{
	struct sa source;

	sa_cpy(&source, addr);
	sa_set_port(&source, 0);
	if (sa_af(&source) == AF_INET6)
		memset(source.u.in6.sin6_addr.s6_addr + 8, 0, 8);
	return source;
}

/* Two that share a place push each other out, and begin anew: all strangers
 * together are counted too. */
static struct gw_door_bucket *bucket_of(struct gw_door *door,
					const struct sa *source)
{
	const uint32_t hash = sa_hash(source, SA_ALL);
	struct source *s;

	s = &door->sources[(hash ^ hash >> 10 ^ hash >> 20) % GW_DOOR_SOURCES];
	if (!s->bucket.is_used || !sa_cmp(&s->addr, source, SA_ALL)) {
		s->addr = *source;
		s->bucket = (struct gw_door_bucket){ 0 };
	}

	return &s->bucket;
}

bool gw_door_admits(struct gw_door *door, const struct sa *src, uint64_t now_ms)
{
	struct sa source = source_of(src);
	struct gw_door_bucket *bucket;

	/* the port that we send to is not to suffer from others of its host */
	if (is_any_friend(door, src, SA_ALL))
		source = *src;

	bucket = bucket_of(door, &source);
	if (gw_door_is_friend(door, src))
		return gw_door_take(bucket, GW_DOOR_FRIEND_RATE,
				    GW_DOOR_FRIEND_BURST, now_ms);

	return gw_door_take(bucket, GW_DOOR_STRANGER_RATE,
			    GW_DOOR_STRANGER_BURST, now_ms) &&
	       gw_door_take(&door->strangers, GW_DOOR_STRANGERS_RATE,
			    GW_DOOR_STRANGERS_BURST, now_ms);
}

/* Connections --------------------------------------------------------------- */

static bool is_still_there(const struct seat *seat)
{
	struct sa peer;

	sa_init(&peer, AF_UNSPEC);
	peer.len = sizeof(peer.u);
	return !getpeername(seat->fd, &peer.u.sa, &peer.len) &&
	       sa_cmp(&peer, &seat->peer, SA_ALL);
}

static void clear_seats(struct gw_door *door)
{
	for (size_t i = 0; i < SEATS; i++) {
		struct seat *seat = &door->seats[i];

		if (seat->is_taken && !is_still_there(seat))
			seat->is_taken = false;
	}
}

struct count {
	size_t own, all;
	struct seat *oldest, *free;
};

static struct count count_seats(struct gw_door *door, const struct sa *source,
				bool is_friend)
{
	struct count count = { 0 };

	for (size_t i = 0; i < SEATS; i++) {
		struct seat *seat = &door->seats[i];
		struct sa other;

		if (!seat->is_taken) {
			count.free = seat;
			continue;
		}
		if (seat->is_friend != is_friend)
			continue;

		++count.all;
		if (!count.oldest || seat->since < count.oldest->since)
			count.oldest = seat;
		other = source_of(&seat->peer);
		count.own += same(&other, source);
	}

	return count;
}

bool gw_door_seats(struct gw_door *door, const struct sa *peer, int fd)
{
	const bool is_friend = gw_door_is_friend(door, peer);
	const struct sa source = source_of(peer);
	const size_t max_own = is_friend ? GW_DOOR_FRIEND_CONNECTIONS :
					   GW_DOOR_STRANGER_CONNECTIONS;
	const size_t max_all = is_friend ? GW_DOOR_FRIENDS_CONNECTIONS :
					   GW_DOOR_STRANGERS_CONNECTIONS;
	struct count count = count_seats(door, &source, is_friend);

	if (count.own >= max_own || count.all >= max_all || !count.free) {
		clear_seats(door);
		count = count_seats(door, &source, is_friend);
	}
	if (count.own >= max_own)
		return false;
	if (count.all >= max_all || !count.free) {
		if (!count.oldest)
			return false;
		/* libre sees the end of it, and closes it */
		(void)shutdown(count.oldest->fd, SHUT_RDWR);
		count.free = count.oldest;
	}

	*count.free = (struct seat){ .is_taken = true,
				     .is_friend = is_friend,
				     .fd = fd,
				     .since = ++door->clock,
				     .peer = *peer };
	return true;
}

int gw_door_alloc(struct gw_door **doorp)
{
	struct gw_door *door = mem_zalloc(sizeof(*door), NULL);

	if (!door)
		return ENOMEM;

	*doorp = door;
	return 0;
}
