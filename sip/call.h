/* One click-to-call: its legs and its state. It does what call_fsm says and
 * tells each step upwards. */
#ifndef BELLPULL_SIP_CALL_H
#define BELLPULL_SIP_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/cause.h"
#include "sip/media/media.h"

struct gw_browser;
struct gw_line;
struct gw_stack;
struct gw_media;
struct gw_call;

/* The API's finer `state`. */
enum gw_call_state {
	GW_CALL_QUEUED,
	GW_CALL_WAITING_FOR_LINE,
	GW_CALL_DIALING_FIRST,
	GW_CALL_FIRST_RINGING,
	GW_CALL_FIRST_ANSWERED,
	GW_CALL_DIALING_SECOND,
	GW_CALL_SECOND_RINGING,
	GW_CALL_BRIDGED,
	GW_CALL_HELD,
	GW_CALL_TRANSFERRING,
	GW_CALL_ENDING,
	GW_CALL_ENDED,
	GW_CALL_STATE_COUNT
};
const char *gw_call_state_name(enum gw_call_state state);

enum gw_leg_state {
	GW_LEG_NEW,
	GW_LEG_DIALING,
	GW_LEG_PROCEEDING, /* 100 */
	GW_LEG_RINGING,    /* 18x */
	GW_LEG_EARLY,      /* 18x with sound */
	GW_LEG_ANSWERED,
	GW_LEG_CONFIRMING,
	GW_LEG_HELD,
	GW_LEG_REMOTE_HELD,
	GW_LEG_ENDING,
	GW_LEG_ENDED,
	GW_LEG_STATE_COUNT
};
const char *gw_leg_state_name(enum gw_leg_state state);

enum gw_role { GW_ROLE_FROM, GW_ROLE_TO };
enum { GW_ROLE_ANY = -1 }; /* where a command may leave the leg out */

enum {
	GW_CALL_LEGS_MAX = 6,   /* of one call in all, transfers included */
	GW_SEND_DIGITS_MAX = 64 /* characters of send_digits and of one dtmf */
};

/* How sound gets from one person to the other. */
enum gw_join {
	GW_JOIN_AUTO,  /* relay */
	GW_JOIN_RELAY, /* through us */
	GW_JOIN_DIRECT, /* re-INVITEd to each other once both are up (RFC 3725) */
	GW_JOIN_REFER, /* first is REFERred to the second, and we are out */
};
const char *gw_join_name(enum gw_join join);

enum gw_ended_by {
	GW_ENDED_BY_NONE,
	GW_ENDED_BY_FROM,
	GW_ENDED_BY_TO,
	GW_ENDED_BY_API,
	GW_ENDED_BY_TIMER,
	GW_ENDED_BY_LINE,
	GW_ENDED_BY_GATEWAY,
};

struct gw_call_header {
	const char *name, *value;
};

/* A piece of a recording: pairs of samples, from on the left, to on the right. */
struct gw_call_sound {
	const int16_t *samples; /* during the call of the handler */
	size_t pairs;
	uint32_t rate;
	bool last;
};

/* What the caller may choose. Strings are copied by gw_call_alloc(); line,
 * media and announce must outlive the call. */
struct gw_call_order {
	const char *to;   /* as gw_address_parse() normalised it: a SIP URI */
	const char *from; /* the same; NULL: one leg, role to */
	struct gw_browser
		*browser; /* referenced: who browser_role is, instead of a
				     * phone, whose URI is GW_BROWSER_URI; NULL: both
				     * are phones */
	enum gw_role browser_role;
	struct gw_line *line;        /* rings to */
	struct gw_line *from_line;   /* rings from; NULL: line */
	enum gw_role first;          /* who is rung first */
	bool show_caller_id_to_from; /* else from is shown the to number ... */
	const char *to_number;     /* ... as this; NULL: the user part of to */
	enum gw_role confirm_role; /* who has to press confirm_digit */
	char confirm_digit;        /* 0: nobody */
	uint32_t confirm_timeout_s;
	enum gw_role announce_role; /* who hears announce */
	const char *ringback;       /* country of the tones; NULL: European */
	enum gw_join join;
	const char *send_digits; /* to the to leg once it is up: 0-9*#A-D, w waits
				  * half a second, W a second; NULL */
	bool record;             /* from the bridge on */
	bool record_tone;        /* both hear a beep when recording starts */
	bool follow_redirects;   /* 3xx: ask redirecth, else it is the end */
	const char *caller_number; /* NULL: the line's */
	const char *caller_name;   /* NULL: the line's */
	int caller_privacy;        /* -1: the line's */
	bool auto_answer;
	uint32_t ring_timeout_s;
	uint32_t time_limit_s;
	uint32_t setup_deadline_s; /* counts from gw_call_start() */
	const struct gw_sound
		*announce; /* played after the answer, with two legs before
			    * the other one is rung; NULL */
	const struct gw_call_header
		*headers; /* as gw_header_check() let them pass */
	size_t header_count;
	bool decline_failed; /* setting decline_status */
	const char *
		media_listen; /* numeric, where RTP is bound; NULL: where SIP is */
	const char *media_advertise; /* numeric, for SDP; NULL: the line's */
	uint32_t stall_s; /* two legs: dead media ends the call; 0: never */

	/* Asked for where a target comes from outside (3xx, REFER of a phone):
	 * the SIP URI to dial through that role's line, normalised, into uri; or
	 * false: refused. */
	bool (*targeth)(char *uri, size_t size, const char *target,
			enum gw_role role, void *arg);
	/* Pieces of the recording, in order; last: it is over. Between the
	 * first record and last, also after CALL_ENDED. */
	void (*recordedh)(const struct gw_call_sound *sound, void *arg);
};

/* Facts. Pointers live with the call, times are wall clock ms, 0: not yet. */
struct gw_leg_info {
	enum gw_role role;
	enum gw_leg_state state;
	enum gw_status status;
	const char *uri;         /* what was dialled */
	const char *sip_call_id; /* NULL before the INVITE */
	const char *codec;       /* "PCMA/8000" or NULL */
	int64_t ringing_at_ms, answered_at_ms, ended_at_ms;
	struct gw_outcome outcome;
	uint16_t sip_code;         /* last received */
	const char *sip_reason;    /* phrase as received, or NULL */
	const char *reason_header; /* as received, or NULL */
	struct gw_media_stats quality;
	bool has_quality;
	bool muted, held;       /* by us */
	const char *line;       /* its name */
	const char *cause_hint; /* "busy", "congestion", "sit", "ringback",
				 * "voicemail_beep"; "unknown": we listened to early
				 * media and know no more; NULL: there was none */
};

struct gw_call_info {
	enum gw_call_state state;
	enum gw_status status;
	int64_t started_at_ms, ringing_at_ms, answered_at_ms, bridged_at_ms,
		ended_at_ms;
	enum gw_ended_by ended_by;
	int failed_leg; /* role, or -1 */
	struct gw_outcome outcome;
	uint16_t sip_code;
	const char *sip_reason, *reason_header;
	enum gw_join join; /* as it is, once bridged: never AUTO then */
	bool handed_over;  /* by REFER: the two talk on without us, or the phone
			    * hung up after it had taken it */
	bool recording;
	struct gw_leg_info legs[GW_CALL_LEGS_MAX]; /* as they were dialled */
	size_t leg_count;
};

enum gw_call_event_type {
	GW_EV_CALL_INITIATED,
	GW_EV_CALL_RINGING,
	GW_EV_CALL_EARLY_MEDIA,
	GW_EV_CALL_ANSWERED,
	GW_EV_CALL_BRIDGED,
	GW_EV_CALL_HOLD,
	GW_EV_CALL_UNHOLD,
	GW_EV_CALL_DTMF, /* digit, duration_ms */
	GW_EV_CALL_PLAYBACK_STARTED,
	GW_EV_CALL_PLAYBACK_ENDED,
	GW_EV_CALL_MEDIA_STALLED,
	GW_EV_CALL_CONFIRM_PASSED,
	GW_EV_CALL_CONFIRM_FAILED,
	GW_EV_CALL_TRANSFER_STARTED,
	GW_EV_CALL_TRANSFER_COMPLETED,
	GW_EV_CALL_TRANSFER_FAILED, /* sip_code says why */
	GW_EV_CALL_WAITING, /* state became waiting_for_line; no event of the API */
	GW_EV_CALL_ENDED, /* the last one, exactly once */
	GW_EV_LEG_INITIATED,
	GW_EV_LEG_RINGING,
	GW_EV_LEG_EARLY_MEDIA,
	GW_EV_LEG_ANSWERED,
	GW_EV_LEG_ENDED,
};

struct gw_call_event {
	enum gw_call_event_type type;
	int role; /* leg it speaks of, or -1 */
	int64_t at_ms;
	char digit;
	uint32_t duration_ms;
	uint16_t sip_code; /* of a ringing or ended leg; 0: none */
	const char *sip_reason;
};

/* Called on the loop thread after info has changed. Several events may come one
 * after the other in one turn (their order is the journal's). The call stays
 * valid for the whole handler. After CALL_ENDED nothing comes any more. */
typedef void(gw_call_event_h)(struct gw_call *call,
			      const struct gw_call_event *ev, void *arg);

/* Makes a call in state queued: nothing is sent, no event is told. On success
 * *callp carries one reference, the caller's: mem_deref() also hangs up what is
 * still up (without further events). Returns 0, EINVAL or ENOMEM. */
int gw_call_alloc(struct gw_call **callp, const struct gw_call_order *order,
		  struct gw_media *media, gw_call_event_h *eventh, void *arg);

/* Goes to work: waits for the lines or sends the first INVITE. Two legs take a
 * place each among their line's calls, both at once. Whatever goes wrong from here
 * on, synchronously or later, becomes CALL_ENDED. */
void gw_call_start(struct gw_call *call);

/* Ends it: CANCEL or BYE with a Reason header. CALL_ENDED follows, within this
 * turn where nothing has to be waited for (contract: a cancelled leg ends when
 * the CANCEL is decided). EALREADY when ended. */
int gw_call_hangup(struct gw_call *call, enum gw_cause intent,
		   enum gw_ended_by by);

/* In the call. role: whom it is about. All return 0, EALREADY (the call is over),
 * ENOTCONN (not in this state: answer 409), EBUSY (something of the kind is under
 * way), ENOTSUP (this leg can't) or ENOMEM. */

/* Presses digits towards a leg (GW_ROLE_ANY: to), one after the other; w and W wait
 * as in send_digits. EINVAL: not digits; EBUSY: too many that wait. */
int gw_call_dtmf(struct gw_call *call, const char *digits, int role);
/* Puts a leg on hold (GW_ROLE_ANY: both): re-INVITE with sendonly. CALL_HOLD or
 * CALL_UNHOLD follows when it has agreed; when it refuses, nothing does. While one
 * is on hold by us both hear silence. */
int gw_call_hold(struct gw_call *call, int role, bool on);
/* What a leg says is not heard by the other (GW_ROLE_ANY: from). */
int gw_call_mute(struct gw_call *call, int role, bool on);
/* GW_ROLE_ANY: both hear it. sound NULL: stops. */
int gw_call_play(struct gw_call *call, const struct gw_sound *sound, int role);
/* Pieces come to recordedh (none: ENOTSUP). It goes on through a transfer, then
 * perhaps at another rate. EBUSY: the last piece of the one before is to come. */
int gw_call_record(struct gw_call *call, bool on);

/* The other leg's place is taken by target. Blind: the other leg is let go at
 * once, and stays (role) hears it ring. Attended: stays is on hold, the other leg
 * rings target and talks to it; when it hangs up, stays and target are joined;
 * when target does, or doesn't answer, all is as before. A blind one whose target
 * can't be had ends the call with the target's cause (completed: it had been
 * answered). ENOTSUP: GW_CALL_LEGS_MAX; EBUSY: also when the line is full. */
struct gw_call_transfer {
	const char *target;   /* SIP URI, as gw_address_parse() normalised it */
	struct gw_line *line; /* NULL: the line of the leg that is replaced */
	bool attended;
	int role; /* who stays; GW_ROLE_ANY: to */
};
int gw_call_transfer(struct gw_call *call,
		     const struct gw_call_transfer *transfer);

const struct gw_call_info *gw_call_info(const struct gw_call *call);
/* The quality of its living legs is brought up to date, a moment later. */
void gw_call_measure(struct gw_call *call);

/* The ladder: every SIP message of the call in order, credentials removed. At
 * most 64 messages and 32 kB are kept, the first ones and the last ones; skipped
 * says how many in between were dropped. */
struct gw_ladder_msg {
	int64_t at_ms;
	bool sent;
	const char *text;
	size_t len;
};
typedef void(gw_ladder_h)(const struct gw_ladder_msg *msg, void *arg);
uint32_t gw_call_ladder(const struct gw_call *call, gw_ladder_h *h, void *arg);
/* One sentence a person understands, or NULL when there is nothing to explain. */
const char *gw_call_diagnosis(const struct gw_call *call);

/* The dialogs of all answered legs as text for the store, so that a later process
 * can end them (RFC 3261 12): opaque to everyone but gw_call_bye_stored(). Returns
 * ENOENT when there is none. */
struct mbuf;
int gw_call_dialog_print(struct mbuf *mb, const struct gw_call *call);
/* Sends BYE (Reason: server restart) for each dialog of an earlier process, all of
 * them through line. */
int gw_call_bye_stored(struct gw_line *line, const char *dialog);

#endif
