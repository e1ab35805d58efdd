/* sip/session_timer.c - a session that has to be refreshed (RFC 4028), so that the
 * far side drops it when we are dead, and we drop it when they are.
 *
 *   INVITE  "180 s, and we refresh"
 *     422      once more with the time they want
 *     2xx says nothing      no timer: they know none, and need no refreshes
 *     2xx says uac          we refresh at half of it ──► UPDATE or re-INVITE
 *     2xx says uas          they do, or it ends ────────► BYE
 *
 * Each re-INVITE and UPDATE of either side is a refresh, too, and may change who
 * does it. What theirs asks for is answered, what it leaves out stays as it was.
 *
 *   refresh --2xx--> again at half of it
 *           --401, 407, 422--> once more; 405, 501: by re-INVITE
 *           --408, 481, silence--> the session is over
 *           --any other--> once more in a while, as long as there is time
 *
 * A re-INVITE that refreshes carries the words that were agreed to last, and has
 * its turn with the others in session_change.c. */
#include "sip/session_impl.h"

enum {
	MIN_SE_S = 90,      /* RFC 4028 5: nobody may ask for less */
	LEAST_S = 4,        /* whoever does all the same gets this */
	MOST_S = 24 * 3600, /* and what is longer needs no refresh */
	SPARE_S = 32,       /* RFC 4028 10: BYE so much before the end */
	BUSY_MS = 2000,
};

/* What a message says about it. */
struct wish {
	uint32_t seconds; /* 0: nothing */
	bool by_uac, by_uas;
};

static uint32_t number_of(const struct sip_msg *msg, enum sip_hdrid id)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, id);
	struct pl digits;

	if (!hdr || re_regex(hdr->val.p, hdr->val.l, "[0-9]+", &digits) ||
	    digits.p != hdr->val.p || digits.l > 9)
		return 0;

	return pl_u32(&digits);
}

/* "180;refresher=uac" */
static struct wish read_wish(const struct sip_msg *msg)
{
	struct wish wish = { number_of(msg, SIP_HDR_SESSION_EXPIRES), false,
			     false };
	const struct sip_hdr *hdr;
	struct pl params, who;

	if (!wish.seconds)
		return wish;

	hdr = sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES);
	params = hdr->val;
	if (!msg_param_decode(&params, "refresher", &who)) {
		wish.by_uac = !pl_strcasecmp(&who, "uac");
		wish.by_uas = !pl_strcasecmp(&who, "uas");
	}
	return wish;
}

static uint32_t min_se(const struct gw_session *s)
{
	return MAX(s->timer.min_s, (uint32_t)MIN_SE_S);
}

static uint32_t to_ask_for(const struct gw_session *s)
{
	const struct gw_timer *t = &s->timer;

	return MAX(t->agreed_s ? t->agreed_s : t->wish_s, min_se(s));
}

void gw_session_timer_init(struct gw_session *s)
{
	if (s->line)
		s->timer.wish_s = gw_line_cfg(s->line)->session_expires_s;
}

void gw_session_timer_stop(struct gw_session *s)
{
	tmr_cancel(&s->timer.tmr);
	s->timer.agreed_s = 0;
}

/* In words ---------------------------------------------------------------- */

int gw_session_print_supported(struct re_printf *pf, void *session)
{
	const struct gw_session *s = session;

	return re_hprintf(pf, "Supported: 100rel%s\r\n",
			  s->timer.wish_s ? ", timer" : "");
}

int gw_session_print_asked(struct re_printf *pf, void *session)
{
	const struct gw_session *s = session;
	const struct gw_timer *t = &s->timer;
	int err = gw_session_print_supported(pf, session);

	if (err || !t->wish_s)
		return err;

	return re_hprintf(pf,
			  "Session-Expires: %u;refresher=%s\r\n"
			  "Min-SE: %u\r\n",
			  to_ask_for(s),
			  t->agreed_s && !t->we_refresh ? "uas" : "uac",
			  min_se(s));
}

int gw_session_print_agreed(struct re_printf *pf, void *session)
{
	const struct gw_session *s = session;
	const struct gw_timer *t = &s->timer;
	int err = gw_session_print_supported(pf, session);

	if (err || !t->agreed_s)
		return err;

	return re_hprintf(pf, "%sSession-Expires: %u;refresher=%s\r\n",
			  t->we_refresh ? "" : "Require: timer\r\n",
			  t->agreed_s, t->we_refresh ? "uas" : "uac");
}

/* Refreshing -------------------------------------------------------------- */

static void refresh(void *arg);
static int send_update(struct gw_session *s);

static uint64_t left_ms(const struct gw_session *s)
{
	const uint64_t now = tmr_jiffies();

	return s->timer.ends_at > now ? s->timer.ends_at - now : 0;
}

static void expired(void *arg)
{
	struct gw_session *s = arg;

	mem_ref(s);
	gw_session_lost(s, ETIMEDOUT);
	mem_deref(s);
}

void gw_session_not_refreshed(struct gw_session *s, uint16_t code, int err)
{
	struct gw_timer *t = &s->timer;

	if (s->state != GW_SESSION_UP || !t->agreed_s)
		return;

	if (code == 481)
		gw_session_over(s, ETIMEDOUT); /* nobody to say BYE to */
	else if (code == 408 || (err == ETIMEDOUT && s->tp == SIP_TRANSP_UDP))
		expired(s); /* else into a dead connection: there is a new one */
	else if (!t->we_refresh)
		; /* it has become theirs meanwhile */
	else if (left_ms(s) <= BUSY_MS)
		expired(s);
	else
		tmr_start(&t->tmr, MAX(left_ms(s) / 2, (uint64_t)BUSY_MS),
			  refresh, s);
}

static bool once_more(struct gw_session *s, const struct sip_msg *msg)
{
	if (gw_session_is_challenge(msg))
		return !gw_session_take_challenge(s, msg) && !send_update(s);

	return gw_session_timer_raised(s, msg) && !send_update(s);
}

static void update_answered(int err, const struct sip_msg *msg, void *arg)
{
	struct gw_session *s = arg;

	if ((!err && msg && msg->scode < 200) || s->state != GW_SESSION_UP)
		return;

	mem_ref(s);
	if (err || !msg) {
		gw_session_not_refreshed(s, 0, err ? err : EPROTO);
	} else if (msg->scode < 300) {
		(void)sip_dialog_update(s->won->dlg, msg);
		gw_session_timer_answered(s, msg);
	} else if (msg->scode == 405 || msg->scode == 501) {
		s->timer.takes_update = false;
		refresh(s);
	} else if (!once_more(s, msg)) {
		gw_session_not_refreshed(s, msg->scode, 0);
	}
	mem_deref(s);
}

/* RFC 3311: without an offer it may leave at any time. */
static int send_update(struct gw_session *s)
{
	return sip_drequestf(&s->timer.update, s->sip, true, "UPDATE",
			     s->won->dlg, 0, s->auth, gw_session_add_contact,
			     update_answered, s,
			     "Allow: %s\r\n%HContent-Length: 0\r\n\r\n",
			     gw_stack_allow, gw_session_print_asked, s);
}

static int first_update(struct gw_session *s)
{
	s->timer.raised = false;
	s->auth_tries = 0;
	return send_update(s);
}

void gw_session_timer_look_again(struct gw_session *s)
{
	if (s->timer.agreed_s)
		tmr_start(&s->timer.tmr, MIN(left_ms(s), (uint64_t)BUSY_MS),
			  refresh, s);
}

static void refresh(void *arg)
{
	struct gw_session *s = arg;
	struct gw_timer *t = &s->timer;
	int err;

	if (s->state != GW_SESSION_UP)
		return;

	mem_ref(s);
	err = !t->takes_update ? gw_session_change_refresh(s) :
	      t->update        ? EBUSY :
				 first_update(s);
	if (err == EBUSY &&
	    left_ms(s)) /* whatever it is, it may refresh, too */
		gw_session_timer_look_again(s);
	else if (err)
		gw_session_not_refreshed(s, 0, err);
	else
		tmr_start(&t->tmr, left_ms(s), expired, s);
	mem_deref(s);
}

/* Agreeing ---------------------------------------------------------------- */

static void agree(struct gw_session *s, uint32_t seconds, bool we_refresh)
{
	struct gw_timer *t = &s->timer;
	uint64_t ms;

	t->agreed_s = MAX(MIN(seconds, (uint32_t)MOST_S), (uint32_t)LEAST_S);
	t->we_refresh = we_refresh;

	ms = UINT64_C(1000) * t->agreed_s;
	t->ends_at = tmr_jiffies() + ms - MIN(ms / 3, UINT64_C(1000) * SPARE_S);
	if (we_refresh)
		tmr_start(&t->tmr, ms / 2, refresh, s);
	else
		tmr_start(&t->tmr, left_ms(s), expired, s);
}

void gw_session_timer_answered(struct gw_session *s, const struct sip_msg *msg)
{
	const struct wish theirs = read_wish(msg);

	if (sip_msg_hdr(msg, SIP_HDR_ALLOW))
		s->timer.takes_update =
			sip_msg_hdr_has_value(msg, SIP_HDR_ALLOW, "UPDATE");
	if (s->state != GW_SESSION_UP || !s->timer.wish_s)
		return;

	if (theirs.seconds)
		agree(s, theirs.seconds, !theirs.by_uas);
	else
		gw_session_timer_stop(s);
}

bool gw_session_timer_raised(struct gw_session *s, const struct sip_msg *msg)
{
	struct gw_timer *t = &s->timer;
	const uint32_t min_s = number_of(msg, SIP_HDR_MIN_SE);

	if (!t->wish_s || msg->scode != 422 || t->raised ||
	    min_s <= to_ask_for(s) || min_s > MOST_S)
		return false;

	t->raised = true;
	t->min_s = min_s;
	return true;
}

/* Theirs ------------------------------------------------------------------ */

static bool knows_timers(const struct sip_msg *msg)
{
	return sip_msg_hdr_has_value(msg, SIP_HDR_SUPPORTED, "timer");
}

bool gw_session_timer_fits(const struct gw_session *s,
			   const struct sip_msg *msg)
{
	const struct gw_timer *t = &s->timer;
	const struct wish theirs = read_wish(msg);
	uint32_t least_s = MIN_SE_S;

	/* what we have put up with is not too short all of a sudden */
	if (t->agreed_s)
		least_s = MIN(least_s, t->agreed_s);
	if (!t->wish_s || !theirs.seconds || theirs.seconds >= least_s ||
	    !knows_timers(msg))
		return true;

	(void)sip_treplyf(NULL, NULL, s->sip, msg, false, 422,
			  "Session Interval Too Small",
			  "Min-SE: %u\r\nContent-Length: 0\r\n\r\n",
			  (uint32_t)MIN_SE_S);
	return false;
}

void gw_session_timer_asked(struct gw_session *s, const struct sip_msg *msg)
{
	const struct gw_timer *t = &s->timer;
	const struct wish theirs = read_wish(msg);
	const uint32_t seconds = theirs.seconds ? theirs.seconds : t->agreed_s;
	bool we_refresh = !t->agreed_s || t->we_refresh;

	if (s->state != GW_SESSION_UP || !t->wish_s || !seconds)
		return;

	if (!knows_timers(msg) || theirs.by_uas)
		we_refresh = true;
	else if (theirs.by_uac)
		we_refresh = false;

	agree(s, seconds, we_refresh);
}
