/* Who may come in, and how often: what the stack remembers of strangers has a bound
 * for each of them and for all of them together. All memory is here from the
 * beginning.
 *
 * A friend is an address that we have sent something to lately: where a line lives,
 * or what somebody has dialled. All others are strangers: a phone whose proxy has
 * left the way may speak to us inside of its dialog, and everybody may ask OPTIONS,
 * but nobody needs to do so often. Clocks are handed in. */
#ifndef BELLPULL_SIP_STACK_DOOR_H
#define BELLPULL_SIP_STACK_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include <re.h>

enum {
	GW_DOOR_FRIENDS_MAX = 256, /* the one heard of least recently goes */
	GW_DOOR_SOURCES = 1024,    /* whose messages are counted apart */

	/* messages outside of every dialog we know: in a second, and at once */
	GW_DOOR_FRIEND_RATE = 2000,
	GW_DOOR_FRIEND_BURST = 4000,
	GW_DOOR_STRANGER_RATE = 10,
	GW_DOOR_STRANGER_BURST = 20,
	GW_DOOR_STRANGERS_RATE = 100, /* of all of them together */
	GW_DOOR_STRANGERS_BURST = 200,

	/* connections that they have made to us */
	GW_DOOR_FRIEND_CONNECTIONS = 64,
	GW_DOOR_STRANGER_CONNECTIONS = 8,
	GW_DOOR_FRIENDS_CONNECTIONS = 256,
	GW_DOOR_STRANGERS_CONNECTIONS =
		64, /* the oldest is closed for a new one */
};

/* Tokens come at rate a second; there are burst of them at most. */
struct gw_door_bucket {
	uint64_t at_ms;
	uint64_t milli;
	bool is_used;
};
bool gw_door_take(struct gw_door_bucket *bucket, uint32_t rate, uint32_t burst,
		  uint64_t now_ms);

struct gw_door;
int gw_door_alloc(struct gw_door **doorp);

/* We are about to send there. What comes from that very port is counted apart from
 * what comes from others of its address. */
void gw_door_befriend(struct gw_door *door, const struct sa *addr);
bool gw_door_is_friend(const struct gw_door *door, const struct sa *addr);

/* One more message of no dialog we know. */
bool gw_door_admits(struct gw_door *door, const struct sa *src,
		    uint64_t now_ms);

/* One more connection, whose descriptor is fd. */
bool gw_door_seats(struct gw_door *door, const struct sa *peer, int fd);

#endif
