/* What comes back from the disk: dialogs and CANCELs that an earlier process has
 * printed, heads of WAV files, WAV files. The first byte says which. A text that
 * is none is refused; of a response that is read a dialog is printed that is. */
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "server/recordings_impl.h"
#include "sip/call.h"
#include "sip/line.h"
#include "sip/media/media.h"
#include "sip/session_impl.h"
#include "tests/fuzz/fuzz.h"

/* Without a way to anywhere: all is read, nothing is sent. */
static void try_dialog(const char *text)
{
	static struct gw_stack *stack;
	static unsigned used;
	static const struct gw_stack_cfg cfg = { .user_agent = "fuzz" };
	struct gw_line_way way = { .sip = NULL };

	/* what was sent is in its care for a while */
	if (++used % 1024 == 0)
		stack = mem_deref(stack);
	if (!stack)
		ENSURE(!gw_stack_alloc(&stack, &cfg));
	way.stack = stack;
	ENSURE(gw_session_bye_printed(NULL, &way, text, 41, "why"));
	(void)gw_session_cancel_printed(&way, text);
}

static void try_response(const char *text, size_t len)
{
	struct mbuf *mb = mbuf_alloc(len + 1), *printed = mbuf_alloc(64);
	struct sip_msg *msg = NULL, *again = NULL;

	ENSURE(mb && printed);
	ENSURE(!mbuf_write_mem(mb, (const uint8_t *)text, len));
	mb->pos = 0;
	if (!sip_msg_decode(&msg, mb) && !msg->req &&
	    !gw_session_print_early(printed, msg)) {
		printed->pos = 0;
		if (!sip_msg_decode(&again, printed))
			ENSURE(again->req);
	}
	mem_deref(again);
	mem_deref(msg);
	mem_deref(printed);
	mem_deref(mb);
}

static void try_wav(const uint8_t *bytes, size_t len)
{
	uint8_t head[GW_WAV_HEAD] = { 0 };
	struct gw_sound *sound = NULL;
	uint32_t rate, pairs;
	const char *why = NULL;

	memcpy(head, bytes, len < sizeof(head) ? len : sizeof(head));
	if (gw_wav_read_head(head, &rate, &pairs))
		ENSURE(rate);
	if (gw_sound_from_wav(&sound, bytes, len, &why))
		ENSURE(!sound);
	mem_deref(sound);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	ENSURE(text);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 3) {
	case 0:
		try_dialog(text);
		break;
	case 1:
		try_response(text, size - 1);
		break;
	default:
		try_wav(data + 1, size - 1);
		break;
	}
	free(text);
	return 0;
}
