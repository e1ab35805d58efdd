/* The media thread over loopback: ports that talk to each other, and a phone made
 * of one plain socket, whose every packet the test decides. What is opened here is
 * closed when the test is over; what returns int returns 0 or has failed the test
 * (or, for a command, its errno value). */
#ifndef BELLPULL_TESTS_UNIT_MEDIA_WORLD_H
#define BELLPULL_TESTS_UNIT_MEDIA_WORLD_H

#include <pthread.h>

#include <re.h>

#include "sip/media/convert.h"
#include "sip/media/media.h"
#include "sip/media/rtp.h"

enum {
	MEDIA_PORT_MIN = 41000,
	MEDIA_PORT_MAX = 41099,
	MEDIA_PCM_MAX = 16000,
	MEDIA_PHONE_SSRC = 0x12345678,
};

/* A media thread, and this thread as its loop. */
extern struct media_world {
	struct gw_media *media;
	struct mqueue *mq;
	pthread_mutex_t lock;
	struct list jobs;
} media_world;

int media_world_start_at(uint16_t port_min, uint16_t port_max);
int media_world_start(void);
void media_world_stop(void *arg);
gw_media_post_h media_world_post;

/* A side: one port and what was told about it. */
struct side {
	struct gw_media_port *port;
	unsigned facts[GW_MEDIA_STATS + 1];
	int err; /* of the last fact */
	uint16_t number;
	char digits[32];
	uint32_t digit_ms;
	struct gw_media_stats stats;
	enum gw_tone tone;
};

int side_open(struct side *side);
void side_close(void *arg);
gw_media_fact_h side_fact;

/* Until so many facts of that type have come, or so many packets. */
int side_wait(struct side *side, enum gw_media_fact_type type, unsigned count);
int side_wait_received(struct side *side, uint32_t packets);
int side_stats(struct side *side);

struct gw_media_codec codec_of(const char *name);
struct sa media_loopback(uint16_t port);
int side_talks_to(struct side *side, uint16_t port, const char *codec,
		  enum gw_media_direction dir);
int two_sides_talk(struct side *a, struct side *b, const char *codec);

/* A phone: one socket that says and hears what the test wants. */
struct plain_phone {
	struct udp_sock *sock;
	uint16_t number;
	unsigned packets, want;
	struct gw_rtp last;
	uint8_t payload[512];
	uint16_t first_seq;
	uint32_t first_ts;
	struct gw_decoder *decoder;
	int16_t pcm[MEDIA_PCM_MAX];
	size_t pcm_count;
};

int plain_open_at(struct plain_phone *phone, const char *address);
int plain_open(struct plain_phone *phone);
int plain_says(struct plain_phone *phone, uint16_t to, uint8_t pt, uint16_t seq,
	       uint32_t ts, const void *payload, size_t len);
int plain_says_voice(struct plain_phone *phone, uint16_t to, uint16_t seq);
int plain_waits_for(struct plain_phone *phone, unsigned packets);

/* A sound of 440 Hz, or NULL. */
struct gw_sound *media_sine(uint32_t rate, uint32_t ms);

/* The share of the energy that lies at hz (Goertzel): 1 for a pure sine. */
double media_share_at(const int16_t *pcm, size_t count, uint32_t rate,
		      double hz);

#endif
