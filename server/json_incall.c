/* The bodies of commands to a call that is up: dtmf, hold, mute, transfer, play,
 * record. Each kind takes the members that its row names. See json.h. */
#include "server/json_impl.h"

#include <errno.h>
#include <string.h>

#include "sip/address.h"

/* Members ------------------------------------------------------------------- */

static void command_leg(struct gw_json_reader *r, const struct gw_json *v)
{
	gw_json_read_role(r, v, &r->command->leg);
}

static void command_digits(struct gw_json_reader *r, const struct gw_json *v)
{
	r->command->digits = gw_json_read_digits(r, v, "0123456789*#ABCD",
						 GW_SEND_DIGITS_MAX);
}

static void command_to(struct gw_json_reader *r, const struct gw_json *v)
{
	r->command->to =
		gw_json_sip_text(r, gw_json_read_text(r, v, GW_URI_MAX));
}

static void command_mode(struct gw_json_reader *r, const struct gw_json *v)
{
	static const char *const words[] = { "blind", "attended", NULL };

	r->command->attended = gw_json_read_word(r, v, words) == 1;
}

static void command_play(struct gw_json_reader *r, const struct gw_json *v)
{
	r->command->play = gw_json_sip_text(r, gw_json_read_text(r, v, 128));
}

static void command_on(struct gw_json_reader *r, const struct gw_json *v)
{
	gw_json_read_bool(r, v, &r->command->on);
}

/* The body ------------------------------------------------------------------ */

#define BIT(kind) (1u << GW_COMMAND_##kind)

static const struct {
	const char *name;
	void (*read)(struct gw_json_reader *r, const struct gw_json *v);
	unsigned taken, needed; /* by these kinds */
	const char *missing;
} members[] = {
	/* clang-format off */
	{ "leg",    command_leg,    ~BIT(RECORD),  0,             NULL },
	{ "digits", command_digits, BIT(DTMF),     BIT(DTMF),     "is missing: the keys to press" },
	{ "to",     command_to,     BIT(TRANSFER), BIT(TRANSFER), "is missing: whom to transfer to" },
	{ "mode",   command_mode,   BIT(TRANSFER), 0,             NULL },
	{ "play",   command_play,   BIT(PLAY),     BIT(PLAY),     "is missing: the name of a WAV file in media.sounds" },
	{ "on",     command_on,     BIT(RECORD),   BIT(RECORD),   "is missing: true begins to record, false stops" },
	/* clang-format on */
};

static void command_member(struct gw_json_reader *r, const char *name,
			   const struct gw_json *v)
{
	const unsigned bit = 1u << r->command->kind;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(members); i++) {
		if (strcmp(members[i].name, name) || !(members[i].taken & bit))
			continue;
		/* optional ones may be null, or a field not filled in */
		if (!(members[i].needed & bit) &&
		    (gw_json_type(v) == GW_JSON_NULL ||
		     (r->from_form && gw_json_string(v) && !*gw_json_string(v))))
			return;
		members[i].read(r, v);
		return;
	}
	GW_WRONG(r, "is not a member of this command");
}

int gw_json_read_command(struct gw_command *command, enum gw_command_kind kind,
			 const struct gw_json *body, bool from_form,
			 struct gw_faults *faults)
{
	struct gw_json_reader r = {
		.command = command,
		.faults = faults,
		.from_form = from_form,
	};
	const size_t before = faults->count;
	char pointer[16];
	size_t i;

	*command = (struct gw_command){ .kind = kind, .leg = GW_ROLE_ANY };
	if (body)
		gw_json_read_members(&r, body, command_member);
	for (i = 0; i < ARRAY_SIZE(members); i++) {
		if (!(members[i].needed & 1u << kind) ||
		    (body && (gw_json_type(body) != GW_JSON_OBJECT ||
			      gw_json_get(body, members[i].name))))
			continue;
		(void)re_snprintf(pointer, sizeof(pointer), "/%s",
				  members[i].name);
		gw_fault(faults, pointer, "%s", members[i].missing);
	}
	return faults->count > before ? EINVAL : 0;
}
