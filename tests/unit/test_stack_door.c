/* G28: who may come in, and how often. */
#include <sys/socket.h>
#include <unistd.h>

#include "sip/stack_door.h"
#include "tests/test.h"

static struct sa addr_of(const char *text)
{
	struct sa sa;

	sa_init(&sa, AF_INET);
	(void)sa_set_str(&sa, text, 5060);
	return sa;
}

static unsigned admitted(struct gw_door *door, const char *text, unsigned tries,
			 uint64_t now_ms)
{
	struct sa sa = addr_of(text);
	unsigned n = 0;

	while (tries--)
		n += gw_door_admits(door, &sa, now_ms);

	return n;
}

static int test_door_counts_a_stranger(void)
{
	OWNED struct gw_door *door = NULL;

	CHECK_OK(gw_door_alloc(&door));
	CHECK_INT(admitted(door, "192.0.2.1", 100, 0), GW_DOOR_STRANGER_BURST);
	CHECK_INT(admitted(door, "192.0.2.1", 100, 0), 0);
	CHECK_INT(admitted(door, "192.0.2.1", 100, 1000),
		  GW_DOOR_STRANGER_RATE);
	CHECK_INT(admitted(door, "192.0.2.1", 100, 1000 * 1000),
		  GW_DOOR_STRANGER_BURST);
	return 0;
}
TEST(test_door_counts_a_stranger);

static int test_door_counts_all_strangers_together(void)
{
	OWNED struct gw_door *door = NULL;
	struct sa friend = addr_of("198.51.100.7");
	unsigned n = 0;
	char text[32];

	CHECK_OK(gw_door_alloc(&door));
	gw_door_befriend(door, &friend);
	for (unsigned i = 0; i < 1000; i++) {
		(void)re_snprintf(text, sizeof(text), "10.1.%u.%u", i / 250,
				  i % 250);
		n += admitted(door, text, 10, 0);
	}

	CHECK_INT(n, GW_DOOR_STRANGERS_BURST);
	CHECK_INT(admitted(door, "198.51.100.7", 5000, 0),
		  GW_DOOR_FRIEND_BURST);
	return 0;
}
TEST(test_door_counts_all_strangers_together);

/* Who shares the server's address can't use up what its port may send. */
static int test_door_keeps_room_for_the_port_we_send_to(void)
{
	OWNED struct gw_door *door = NULL;
	struct sa server = addr_of("192.0.2.1"), other;
	unsigned n = 0;

	CHECK_OK(gw_door_alloc(&door));
	gw_door_befriend(door, &server);
	for (unsigned i = 0; i < 2 * GW_DOOR_FRIEND_BURST; i++) {
		other = server;
		sa_set_port(&other, (uint16_t)(6000 + i));
		n += gw_door_admits(door, &other, 0);
	}
	CHECK_INT(n, GW_DOOR_FRIEND_BURST);
	CHECK(gw_door_admits(door, &server, 0));
	return 0;
}
TEST(test_door_keeps_room_for_the_port_we_send_to);

static int test_door_takes_a_network_of_ipv6_for_one(void)
{
	OWNED struct gw_door *door = NULL;
	unsigned n = 0;
	char text[32];

	CHECK_OK(gw_door_alloc(&door));
	for (unsigned i = 0; i < 100; i++) {
		(void)re_snprintf(text, sizeof(text), "2001:db8::%x", i + 1);
		n += admitted(door, text, 1, 0);
	}
	CHECK_INT(n, GW_DOOR_STRANGER_BURST);
	CHECK_INT(admitted(door, "2001:db8:1::1", 1, 0), 1);
	return 0;
}
TEST(test_door_takes_a_network_of_ipv6_for_one);

static int test_door_forgets_the_oldest_friend(void)
{
	OWNED struct gw_door *door = NULL;
	struct sa first = addr_of("192.0.2.1"), second = addr_of("192.0.2.2");
	char text[32];

	CHECK_OK(gw_door_alloc(&door));
	gw_door_befriend(door, &first);
	gw_door_befriend(door, &second);
	for (unsigned i = 0; i < GW_DOOR_FRIENDS_MAX - 1; i++) {
		struct sa sa;

		(void)re_snprintf(text, sizeof(text), "10.2.%u.%u", i / 250,
				  i % 250);
		sa = addr_of(text);
		gw_door_befriend(door, &first); /* calls go on there */
		gw_door_befriend(door, &sa);
	}

	CHECK(gw_door_is_friend(door, &first));
	CHECK(!gw_door_is_friend(door, &second));
	return 0;
}
TEST(test_door_forgets_the_oldest_friend);

/* Connections ---------------------------------------------------------------- */

enum { PAIRS_MAX = 80 };

/* Connections on loopback: which end is whose doesn't matter. */
struct pairs {
	int listener, near[PAIRS_MAX], far[PAIRS_MAX];
	size_t count;
	struct sa peer[PAIRS_MAX];
};

static void close_pairs(void *arg)
{
	struct pairs *pairs = arg;

	(void)close(pairs->listener);
	for (size_t i = 0; i < pairs->count; i++) {
		(void)close(pairs->near[i]);
		(void)close(pairs->far[i]);
	}
	pairs->count = 0;
}

static bool connect_from(struct pairs *pairs, const char *text)
{
	struct sa from, to;
	const size_t i = pairs->count;

	sa_init(&to, AF_INET);
	to.len = sizeof(to.u);
	if (getsockname(pairs->listener, &to.u.sa, &to.len))
		return false;

	from = addr_of(text);
	sa_set_port(&from, 0);
	pairs->far[i] = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(pairs->far[i], &from.u.sa, from.len) ||
	    connect(pairs->far[i], &to.u.sa, to.len))
		return false;

	sa_init(&pairs->peer[i], AF_INET);
	pairs->peer[i].len = sizeof(pairs->peer[i].u);
	pairs->near[i] = accept(pairs->listener, &pairs->peer[i].u.sa,
				&pairs->peer[i].len);
	++pairs->count;
	return pairs->near[i] >= 0;
}

static bool listen_for(struct pairs *pairs)
{
	struct sa at = addr_of("127.0.0.1");

	sa_set_port(&at, 0);
	pairs->count = 0;
	pairs->listener = socket(AF_INET, SOCK_STREAM, 0);
	return !bind(pairs->listener, &at.u.sa, at.len) &&
	       !listen(pairs->listener, PAIRS_MAX);
}

static bool seats_last(struct gw_door *door, const struct pairs *pairs)
{
	const size_t last = pairs->count - 1;

	return gw_door_seats(door, &pairs->peer[last], pairs->near[last]);
}

static int test_door_seats_a_few_of_a_stranger(void)
{
	static struct pairs pairs;
	OWNED struct gw_door *door = NULL;

	CHECK_OK(gw_door_alloc(&door));
	CHECK(listen_for(&pairs));
	test_later(close_pairs, &pairs);

	for (int i = 0; i < GW_DOOR_STRANGER_CONNECTIONS; i++) {
		CHECK(connect_from(&pairs, "127.0.0.9"));
		CHECK(seats_last(door, &pairs));
	}
	CHECK(connect_from(&pairs, "127.0.0.9"));
	CHECK(!seats_last(door, &pairs));

	/* one of them leaves, though nobody has said so */
	(void)close(pairs.near[3]);
	CHECK(seats_last(door, &pairs));
	return 0;
}
TEST(test_door_seats_a_few_of_a_stranger);

/* When all places are taken the one who has sat longest goes: nobody can keep
 * everybody else out by coming first. */
static int test_door_full_of_strangers_takes_one_more(void)
{
	static struct pairs pairs;
	OWNED struct gw_door *door = NULL;
	char text[32], byte;

	CHECK_OK(gw_door_alloc(&door));
	CHECK(listen_for(&pairs));
	test_later(close_pairs, &pairs);

	for (int i = 0; i < GW_DOOR_STRANGERS_CONNECTIONS + 1; i++) {
		(void)re_snprintf(text, sizeof(text), "127.0.1.%d",
				  i / GW_DOOR_STRANGER_CONNECTIONS + 1);
		CHECK(connect_from(&pairs, text));
		CHECK(seats_last(door, &pairs));
	}

	CHECK_INT(recv(pairs.near[0], &byte, 1, MSG_DONTWAIT), 0);
	CHECK_INT(recv(pairs.near[1], &byte, 1, MSG_DONTWAIT), -1);
	return 0;
}
TEST(test_door_full_of_strangers_takes_one_more);
