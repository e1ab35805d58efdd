/* The bodies of commands to a call: what each takes, and what it needs. */
#include "config/json.h"
#include "server/json.h"
#include "tests/test.h"

struct command {
	struct gw_json_doc *doc;
	struct gw_command c;
	struct gw_faults faults;
	int err;
};

static void destructor(void *arg)
{
	struct command *cmd = arg;

	mem_deref(cmd->doc);
}

/* body NULL: none came. NULL: no memory. */
static struct command *read_body(enum gw_command_kind kind, const char *body,
				 bool from_form)
{
	struct command *cmd = mem_zalloc(sizeof(*cmd), destructor);

	if (!cmd)
		return NULL;
	if (body &&
	    gw_json_parse(&cmd->doc, body, strlen(body), GW_JSON_API, NULL))
		return mem_deref(cmd);
	cmd->err = gw_json_read_command(
		&cmd->c, kind, cmd->doc ? gw_json_root(cmd->doc) : NULL,
		from_form, &cmd->faults);
	return cmd;
}

static int test_incall_bodies(void)
{
	OWNED struct command *dtmf =
		read_body(GW_COMMAND_DTMF,
			  "{\"digits\":\"12#A\",\"leg\":\"from\"}", false);
	OWNED struct command *hold = read_body(GW_COMMAND_HOLD, NULL, false);
	OWNED struct command *transfer = read_body(
		GW_COMMAND_TRANSFER,
		"{\"to\":\"854\",\"mode\":\"attended\",\"leg\":null}", false);
	OWNED struct command *record =
		read_body(GW_COMMAND_RECORD, "{\"on\":\"true\"}", true);
	OWNED struct command *mute =
		read_body(GW_COMMAND_MUTE, "{\"leg\":\"\"}", true);

	CHECK(dtmf && hold && transfer && record && mute);
	CHECK_OK(dtmf->err);
	CHECK_STR(dtmf->c.digits, "12#A");
	CHECK_INT(dtmf->c.leg, GW_ROLE_FROM);
	CHECK_OK(hold->err);
	CHECK_INT(hold->c.leg, GW_ROLE_ANY);
	CHECK_OK(transfer->err);
	CHECK_STR(transfer->c.to, "854");
	CHECK(transfer->c.attended);
	CHECK_INT(transfer->c.leg, GW_ROLE_ANY);
	CHECK_OK(record->err);
	CHECK(record->c.on);
	CHECK_OK(mute->err);
	CHECK_INT(mute->c.leg, GW_ROLE_ANY);
	return 0;
}
TEST(test_incall_bodies);

static int test_incall_faults_have_their_pointer(void)
{
	static const struct {
		enum gw_command_kind kind;
		const char *body, *pointer;
	} cases[] = {
		{ GW_COMMAND_DTMF, "{}", "/digits" },
		{ GW_COMMAND_DTMF, "{\"digits\":\"1w\"}", "/digits" },
		{ GW_COMMAND_DTMF, "{\"digits\":1}", "/digits" },
		{ GW_COMMAND_DTMF, "{\"digits\":\"1\",\"leg\":\"both\"}",
		  "/leg" },
		{ GW_COMMAND_HOLD, "{\"on\":true}", "/on" },
		{ GW_COMMAND_RECORD, "{\"on\":true,\"leg\":\"to\"}", "/leg" },
		{ GW_COMMAND_RECORD, NULL, "/on" },
		{ GW_COMMAND_TRANSFER, "{\"mode\":\"blind\"}", "/to" },
		{ GW_COMMAND_TRANSFER, "{\"to\":\"8\",\"mode\":\"warm\"}",
		  "/mode" },
		{ GW_COMMAND_PLAY, "{}", "/play" },
		{ GW_COMMAND_MUTE, "[]", "" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		OWNED struct command *cmd =
			read_body(cases[i].kind, cases[i].body, false);

		CHECK(cmd);
		CHECK_ERR(cmd->err, EINVAL);
		CHECK_INT(cmd->faults.count, 1);
		CHECK_STR(cmd->faults.list[0].pointer, cases[i].pointer);
	}
	return 0;
}
TEST(test_incall_faults_have_their_pointer);
