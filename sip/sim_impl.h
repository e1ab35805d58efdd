/* What sim.c (registrar, challenges, who is called) and its callees share. */
#ifndef BELLPULL_SIP_SIM_IMPL_H
#define BELLPULL_SIP_SIM_IMPL_H

#include <re.h>

#include "sip/media/media.h"
#include "sip/sdp.h"
#include "sip/sim.h"
#include "sip/stack.h"

#define GW_SIM_USER "858"

enum gw_sim_sound {
	GW_SIM_SILENCE,
	GW_SIM_ECHO,     /* what is said comes back */
	GW_SIM_TONE,     /* early media: an announcement */
	GW_SIM_GREETING, /* voicemail: a few notes, a beep */
	GW_SIM_HELLO, /* before an echo: two phones that only echo are silent */
	GW_SIM_SOUND_COUNT
};

enum {
	GW_SIM_IGNORES = 1 << 0,        /* never says anything, not even 100 */
	GW_SIM_CHALLENGES = 1 << 1,     /* 407 whatever it is told */
	GW_SIM_CROSSES_CANCEL = 1 << 2, /* 200 instead of 487 */
	GW_SIM_FORKS = 1 << 3,          /* a second branch rings and answers */
	GW_SIM_NO_MEDIA = 1 << 4,       /* a port in SDP, no packet */
	GW_SIM_PRESSES_1 = 1 << 5,      /* DTMF after a second */
	GW_SIM_RINGS_ON = 1 << 6,       /* until it is cancelled */
	GW_SIM_KEEPS_CALL = 1 << 7,     /* refuses REFER */
};

/* How one callee behaves: a row of the table in sim_script.c. */
struct gw_sim_script {
	const char *name, *help;
	uint16_t ring_code; /* 180, 183, or 0: decides at once */
	uint32_t ring_ms;
	uint16_t code; /* its final answer */
	const char *phrase;
	const char *header; /* of that answer, or NULL */
	unsigned quirks;
	enum gw_sim_sound early, sound;
	uint32_t hangup_ms; /* BYE so long after the answer; 0: never */
	const char *codec;  /* takes no other one; NULL: any */
};

const struct gw_sim_script *gw_sim_script(const struct pl *user);

/* The sounds, made once. NULL for silence and echo. */
int gw_sim_sound_make(struct gw_sound **soundp, enum gw_sim_sound which);

struct gw_sim {
	struct gw_media *media; /* or NULL */
	struct gw_stack *server, *client;
	struct sip *sip; /* of server */
	struct list callees;
	struct gw_sound *sounds[GW_SIM_SOUND_COUNT];
	uint16_t port;
	char domain[32];    /* "127.0.0.1" */
	char password[33];  /* of user 858, for this process */
	uint8_t secret[16]; /* makes nonces */
	char contact[256];  /* bound now; "": nobody */
};

/* sim_dial.c: a phone calls somebody itself. */
struct gw_sim_dial;
struct gw_sim_dialling {
	const char *uri, *user; /* whom, and who */
	const struct mbuf *offer;
};
/* deref *dialp, also in over, to be done with it: hangs up what is up. */
struct gw_sim_dial_h {
	void (*heard)(const struct sip_msg *answer, void *arg); /* to INVITE */
	void (*over)(void *arg); /* once: refused, or hung up by them */
};
int gw_sim_dial(struct gw_sim_dial **dialp, struct gw_sim *sim,
		const struct gw_sim_dialling *what,
		const struct gw_sim_dial_h *h, void *arg);

/* One call at a callee. */
struct gw_sim_callee {
	struct le le; /* in sim->callees */
	struct gw_sim *sim;
	const struct gw_sim_script *script;

	struct sip_msg *invite; /* until the ACK */
	struct sip_strans *st;  /* until the final answer */
	struct gw_stack_route *route;
	struct sip_dialog *dlg; /* from the answer on */
	struct mbuf *ok;        /* the 200, until the ACK */
	uint64_t tag;           /* ours */
	uint32_t repeat_ms, repeated_ms;

	const char *codecs[2]; /* of one who takes but one */
	struct gw_sdp_local local;
	struct gw_sdp_remote remote;
	struct gw_media_port *port;
	bool is_open; /* local.rtp_port is known */
	bool is_due;  /* has rung enough, waits for the port */
	bool has_said_hello;
	bool is_out; /* whoever called has gone: only dial is left */
	struct gw_sim_dial *dial; /* its own call, after a REFER */

	struct tmr step, again;
};

/* sim_sound.c: lets it be heard, as soon as it is known where; may come several
 * times (early media, the answer, re-INVITEs). And what was played is over. */
void gw_sim_talk(struct gw_sim_callee *c, enum gw_sim_sound sound);
void gw_sim_has_played(struct gw_sim_callee *c);

/* sim_refer.c: takes a REFER of its dialog. */
void gw_sim_referred(struct gw_sim_callee *c, const struct sip_msg *msg);

/* sim_callee.c: takes an INVITE that may come in. */
void gw_sim_callee_invite(struct gw_sim *sim, const struct sip_msg *msg,
			  const struct gw_sim_script *script);

#endif
