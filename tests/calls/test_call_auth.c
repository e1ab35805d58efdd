/* 401 and 407. */
#include "tests/calls/world.h"

static int challenged(struct world *w, uint16_t code, const char *headers,
		      unsigned times)
{
	w->to.challenge_code = code;
	w->to.challenge = headers;
	w->to.challenges = times;
	phone_will(&w->to, { .code = 100 }, { .code = 180 });
	return world_call(w, &(struct gw_call_order){ 0 });
}

/* The same Call-ID and From tag, the next CSeq, a new branch; the ACK of the
 * 407 on the old one. */
static int test_call_auth_again(void)
{
	static const struct {
		uint16_t code;
		const char *headers, *answer;
	} rows[] = {
		{ 407, CHALLENGE_407, "Proxy-Authorization" },
		{ 407,
		  "Proxy-Authenticate:Digest realm=\"OzekiPBX\",nonce=\"x\"\r\n",
		  "Proxy-Authorization" },
		{ 401, "WWW-Authenticate: Digest realm=\"p\", nonce=\"y\"\r\n",
		  "Authorization" },
	};
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct sip_msg *first, *second;

		CHECK_OK(challenged(w, rows[i].code, rows[i].headers, 1));
		CHECK_OK(world_until(w, "call.ringing"));
		CHECK_STR(w->to.log, "INVITE ACK INVITE");

		first = w->to.first;
		second = w->to.invite;
		CHECK_INT(pl_cmp(&first->callid, &second->callid), 0);
		CHECK_INT(pl_cmp(&first->from.tag, &second->from.tag), 0);
		CHECK_INT(second->cseq.num, first->cseq.num + 1);
		CHECK(pl_cmp(&first->via.branch, &second->via.branch));
		CHECK_INT(pl_cmp(&w->to.ack->via.branch, &first->via.branch),
			  0);
		CHECK(strstr(phone_header(second, rows[i].answer),
			     "username=\"858\""));
		CHECK(!strstr(world_ladder(w), "858\""));

		phone_answer(&w->to,
			     &(struct answer){ .code = 200, .sdp = SDP_PCMA });
		CHECK_OK(world_until(w, "call.bridged"));
		w->call = mem_deref(w->call);
		CHECK_OK(world_until_phone(w, "BYE"));
		world_next(w);
	}

	return 0;
}
TEST(test_call_auth_again);

/* A wrong password is tried no more than twice. */
static int test_call_auth_wrong_password(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_OK(challenged(w, 407, CHALLENGE_407, 100));
	CHECK_OK(world_until_ended(w));
	CHECK(w->to.authorised >= 1 && w->to.authorised <= 2);
	CHECK_OUTCOME(w, "failed", "auth_failed", 21);
	CHECK_INT(world_info(w)->sip_code, 407);
	CHECK(strstr(gw_call_diagnosis(w->call), "password of user 858"));
	return 0;
}
TEST(test_call_auth_wrong_password);

/* stale=true for ever is no reason to go on for ever. */
static int test_call_auth_stale_for_ever(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_OK(challenged(w, 407,
			    "Proxy-Authenticate: Digest realm=\"pbx\", "
			    "nonce=\"n\", stale=true\r\n",
			    100));
	CHECK_OK(world_until_ended(w));
	CHECK(w->to.authorised >= 1 && w->to.authorised <= 4);
	CHECK_OUTCOME(w, "failed", "auth_failed", 21);
	return 0;
}
TEST(test_call_auth_stale_for_ever);

/* A challenge that nobody can meet. */
static int test_call_auth_unknown_scheme(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_OK(challenged(w, 401, "WWW-Authenticate: Bearer realm=\"x\"\r\n",
			    100));
	CHECK_OK(world_until_ended(w));
	CHECK_INT(w->to.authorised, 0);
	CHECK_OUTCOME(w, "failed", "auth_failed", 21);
	return 0;
}
TEST(test_call_auth_unknown_scheme);

/* A refusal that names no way to log in: no password was shown to anybody. */
static int test_call_auth_without_challenge(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 401, .reason = "Unauthorized" });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_ended(w));
	CHECK_INT(w->to.authorised, 0);
	CHECK_OUTCOME(w, "failed", "auth_failed", 21);
	CHECK_STR(gw_call_diagnosis(w->call),
		  "The server of line test wants a login (401 Unauthorized) "
		  "but does not say how: its answer has no challenge.");
	return 0;
}
TEST(test_call_auth_without_challenge);

/* Hung up while challenged: no second INVITE. */
static int test_call_auth_canceled(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_phone(w, "INVITE"));
	CHECK_OK(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				GW_ENDED_BY_API));
	phone_answer(&w->to,
		     &(struct answer){ .code = 407, .headers = CHALLENGE_407 });
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK_STR(w->to.log, "INVITE ACK");
	return 0;
}
TEST(test_call_auth_canceled);
