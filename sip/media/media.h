/* The media thread: RTP and RTCP sockets, a 20 ms clock, sound out of memory.
 * It knows no calls and no SIP. Commands go in, facts come out.
 *
 * Every function below is called on the loop thread unless it says otherwise
 * and never blocks; every handler runs on the loop thread, brought there by the
 * post handler that gw_media_start() was given. */
#ifndef BELLPULL_SIP_MEDIA_MEDIA_H
#define BELLPULL_SIP_MEDIA_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sa;
struct gw_media;
struct gw_media_port;

/* Has fn(fn_arg) called on the loop thread, in order. Called on the media
 * thread; returns 0 or ENOMEM (then fn is never called). */
typedef int(gw_media_post_h)(void (*fn)(void *fn_arg), void *fn_arg, void *arg);

struct gw_media_cfg {
	uint16_t port_min, port_max; /* RTP on even numbers, RTCP one above */
	uint8_t dscp;                /* 46 = EF; 0 = leave */
};

/* Starts the thread and loads the codecs. On success *mediap is the caller's.
 * Returns 0, EINVAL (no pair of ports in the range), ENOMEM or another errno. */
int gw_media_start(struct gw_media **mediap, const struct gw_media_cfg *cfg,
		   gw_media_post_h *post, void *post_arg);

/* Ends and joins the thread: what was commanded before is carried out, then all
 * ports are closed. Handles that are still held are empty then (commands return
 * ESHUTDOWN) and may be given back later. Facts still under way reach their
 * handlers as long as the loop runs what was posted. media may be NULL. */
void gw_media_stop(struct gw_media *media);

/* A sound: 16 bit linear PCM, mono. Made once, read by the media thread as long
 * as it runs: free it only after gw_media_stop(). */
struct gw_sound;
/* Reads a whole WAV file that lies in memory (PCM 16 bit, A-law, mu-law; 8 to
 * 48 kHz; stereo is mixed down). Returns 0, EBADMSG (*whyp says why) or ENOMEM.
 * May be called on any thread. */
int gw_sound_from_wav(struct gw_sound **soundp, const uint8_t *wav, size_t len,
		      const char **whyp);
uint32_t gw_sound_duration_ms(const struct gw_sound *sound);

enum gw_media_fact_type {
	GW_MEDIA_OPENED, /* local_port is bound; or err (EADDRINUSE: range used up) */
	GW_MEDIA_FIRST_PACKET, /* RTP from the right source came in      */
	GW_MEDIA_DTMF,         /* digit, duration_ms: an RFC 4733 event ended */
	GW_MEDIA_PLAY_ENDED, /* err 0: the sound is through; ECANCELED: replaced or
				 * stopped; ENOTSUP: no converter for the codec  */
	GW_MEDIA_STALLED,    /* neither RTP nor RTCP for stall_ms      */
	GW_MEDIA_RESUMED,    /* and then again something               */
	GW_MEDIA_TONE,       /* tone: what gw_media_detect() listened for */
	GW_MEDIA_RECORDED, /* samples: the next piece of a recording, or its last */
	GW_MEDIA_CONNECTED, /* the browser is there and is who its offer says */
	GW_MEDIA_LOST, /* the browser isn't, or no more: err, see gw_media_browser() */
	GW_MEDIA_STATS, /* answer to gw_media_stats(), and the last fact after
				 * gw_media_close()                        */
};

/* What a network says in sound instead of SIP (ITU-T E.180, E.182). */
enum gw_tone {
	GW_TONE_NONE,
	GW_TONE_RINGBACK,
	GW_TONE_BUSY,
	GW_TONE_CONGESTION,
	GW_TONE_SIT,  /* special information tone: three rising notes */
	GW_TONE_BEEP, /* of a voicemail: one note after speech, then silence */
};

struct gw_media_stats {
	uint32_t sent, received;  /* RTP packets */
	uint32_t lost;            /* by sequence numbers, RFC 3550 A.3 */
	uint32_t jitter_us;       /* RFC 3550 A.8 */
	uint32_t rtt_us;          /* by RTCP; 0: unknown */
	uint32_t first_packet_ms; /* from remote set to first packet; 0: none */
	uint16_t mos_x100; /* ITU-T G.107 from loss, jitter, round trip and codec; 0 */
	bool any;          /* a packet came at all */
};

struct gw_media_fact {
	enum gw_media_fact_type type;
	int err;
	uint16_t local_port;
	char digit;
	uint32_t duration_ms;
	struct gw_media_stats stats;
	enum gw_tone tone;
	struct {
		const int16_t *samples; /* pairs: left, right; while told */
		size_t pairs;
		uint32_t rate; /* pairs a second */
		bool last;     /* nothing more of this recording comes */
	} recorded;
};

typedef void(gw_media_fact_h)(const struct gw_media_fact *fact, void *arg);

/* Asks for one RTP/RTCP pair bound at laddr's address (port ignored). The fact
 * OPENED tells its port. *portp is the caller's handle at once: mem_deref() it
 * to close; after that no fact comes any more. Returns 0 or ENOMEM. */
int gw_media_open(struct gw_media_port **portp, struct gw_media *media,
		  const struct sa *laddr, gw_media_fact_h *facth, void *arg);

/* Closes the sockets now and tells the final STATS as its last fact. The handle
 * stays the caller's; until it is given back, commands return ESHUTDOWN. */
int gw_media_close(struct gw_media_port *port);

/* All commands below return 0, ENOMEM or ESHUTDOWN, and what they say besides. */

/* Payload types negotiated for one leg. name is the SDP encoding name. */
struct gw_media_codec {
	char name[16]; /* "PCMA", "opus", ... */
	uint32_t clock_rate;
	uint8_t channels;
	uint8_t pt_tx, pt_rx;
	uint8_t ptime_ms;           /* 20, or what the far side asked for */
	int pt_dtmf_rx, pt_dtmf_tx; /* telephone-event, -1: none */
	uint32_t dtmf_clock_rate;   /* of telephone-event; 0: 8000 */
};

enum gw_media_direction {
	GW_MEDIA_INACTIVE,
	GW_MEDIA_SENDONLY, /* from our point of view */
	GW_MEDIA_RECVONLY,
	GW_MEDIA_SENDRECV,
};

/* Says where the far side is and what is spoken. Sound starts: silence (real
 * frames of the codec, so that NAT opens and the far side has a clock) until
 * something is played. For a codec without converter (iLBC) we make no sound;
 * packets are received, counted and echoed all the same. May be called again
 * (re-INVITE). Packets are taken from remote's address; a different port of the
 * same address is latched onto once (symmetric RTP), other sources are dropped:
 * see gw_media_latch().
 * rtcp's port may be 0: no reports are sent then. */
int gw_media_remote(struct gw_media_port *port, const struct sa *rtp,
		    const struct sa *rtcp, const struct gw_media_codec *codec,
		    enum gw_media_direction dir);

/* The address that the far side's signalling comes from (its port is ignored;
 * NULL: none). A phone behind NAT names a private address in its SDP: packets from
 * its public one, which is this, are then latched onto as those from another port
 * are, once. RTP and RTCP from any third address stay dropped. */
int gw_media_latch(struct gw_media_port *port, const struct sa *signalling);

/* Plays sound once (PLAY_ENDED follows), or stops playing with NULL. On hold the
 * sound waits. Returns ENOTSUP when the codec has no converter (iLBC). */
int gw_media_play(struct gw_media_port *port, const struct gw_sound *sound);

/* Sends what is heard back (the sandbox's echo), payloads as they are, or
 * silence again. */
int gw_media_echo(struct gw_media_port *port, bool on);

/* Sends one RFC 4733 event after those before it. digit is one of 0-9*#A-D;
 * duration_ms 0: 100 ms, else 40 to 5000. Returns EINVAL (no digit) or ENOTSUP
 * (the far side takes no events). More than 32 that wait are dropped. */
int gw_media_dtmf(struct gw_media_port *port, char digit, uint32_t duration_ms);

/* Watches for silence of the far side: stall_ms 0 = off. Neither on hold nor
 * after comfort noise is silence a stall. */
int gw_media_watch(struct gw_media_port *port, uint32_t stall_ms);

int gw_media_stats(struct gw_media_port *port); /* the fact STATS answers */

/* Two ports talk: what one hears, the other sends. Both speak the same codec:
 * packets pass as they are, under our own source, sequence and time; else they
 * are converted (where there is no converter, nothing passes). RFC 4733 digits
 * pass in either case, where the other side takes them. It follows
 * gw_media_remote() on either side. A sound or a tone that is played to a port
 * goes before what the other one says. Joining a port again ends its former
 * join; so does closing one. */
int gw_media_join(struct gw_media_port *a, struct gw_media_port *b);
int gw_media_part(struct gw_media_port *port);

/* What port hears isn't passed on any more, nor recorded (silence is), or is
 * again. */
int gw_media_mute(struct gw_media_port *port, bool on);

/* Plays a country's tone (GW_TONE_RINGBACK, _BUSY, _CONGESTION in its cadence,
 * _SIT again and again, or one GW_TONE_BEEP) until a sound or another tone is played; GW_TONE_NONE: stops.
 * country: two letters, any case; unknown or NULL: the European tones. Only
 * _BEEP is told by PLAY_ENDED. Returns ENOTSUP as gw_media_play() does. */
int gw_media_tone(struct gw_media_port *port, enum gw_tone tone,
		  const char *country);

/* Listens for network tones in what port hears, and tells each kind once as fact
 * TONE. */
int gw_media_detect(struct gw_media_port *port, bool on);

/* Records what both hear: left's on the left, right's (may be NULL) on the right;
 * what is played to them isn't. What is lost, comes too late, is muted or on hold is
 * silence. left's handler is told RECORDED about once a second, in 8 kHz, or 16 kHz
 * when either spoke a wideband codec at the beginning, and once with last set when
 * it is switched off or left is closed (before STATS). Switched on again with another
 * right, that one takes the channel over. A port can be in one recording. When the
 * loop is so slow that more than 8 pieces wait, silence stands in for others. err
 * ENOMEM with last: nothing could be recorded. */
int gw_media_record(struct gw_media_port *left, struct gw_media_port *right,
		    bool on);

/* SRTP (RFC 3711) with keys of RFC 4568: before gw_media_remote() it takes effect
 * with that; NULL: plain RTP. The keys are copied and wiped at the end. */
enum gw_srtp_suite {
	GW_SRTP_AES_CM_128_HMAC_SHA1_80,
	GW_SRTP_AES_CM_128_HMAC_SHA1_32,
};
enum { GW_SRTP_KEY_SIZE = 30 }; /* master key and salt */
struct gw_media_srtp {
	enum gw_srtp_suite suite;
	uint8_t tx[GW_SRTP_KEY_SIZE], rx[GW_SRTP_KEY_SIZE];
};
int gw_media_secure(struct gw_media_port *port,
		    const struct gw_media_srtp *srtp);

/* A browser instead of a phone (WebRTC): ICE-lite, DTLS-SRTP, RTP and RTCP on one
 * port. It is said once, right behind gw_media_open(). Nothing passes before
 * CONNECTED, for which gw_media_remote() waits: it tells codec and direction, its
 * addresses mean nothing; the only one that is heard is the one that the browser's
 * ICE has nominated.
 * LOST comes once and is the end of it: ETIMEDOUT (not connected within
 * GW_MEDIA_CONNECT_MS), EACCES (another certificate), EPROTO (DTLS), ENOMEM;
 * ECONNRESET (closed by the browser), ENETDOWN (nothing of it for
 * GW_MEDIA_CONSENT_MS). */
enum {
	GW_MEDIA_CONNECT_MS = 15000,
	GW_MEDIA_CONSENT_MS =
		7000, /* RFC 7675 5.1: browsers ask every six seconds at most */
	GW_ICE_UFRAG_SIZE = 9,
	GW_ICE_PWD_SIZE = 33,
	GW_MEDIA_HASH_MAX = 64,
	GW_MEDIA_CERT_HASH = 32, /* SHA-256 */
};
/* What the browser proves itself with in its checks: ours. */
struct gw_media_ice {
	char ufrag[GW_ICE_UFRAG_SIZE], pwd[GW_ICE_PWD_SIZE];
};
enum gw_media_hash { GW_MEDIA_SHA256, GW_MEDIA_SHA384, GW_MEDIA_SHA512 };
/* Of the browser's certificate. */
struct gw_media_fingerprint {
	enum gw_media_hash hash;
	uint8_t bytes[GW_MEDIA_HASH_MAX];
	size_t len;
};
struct gw_media_browser {
	struct gw_media_ice ours;
	struct gw_media_fingerprint theirs;
};
int gw_media_browser(struct gw_media_port *port,
		     const struct gw_media_browser *browser);
/* The SHA-256 of our certificate; the same as long as media lives. */
void gw_media_certificate(uint8_t hash[GW_MEDIA_CERT_HASH],
			  const struct gw_media *media);

#endif
