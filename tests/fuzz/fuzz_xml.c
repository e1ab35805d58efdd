/* D13: XML is refused with a sentence, or is JSON that the strict reader takes. The
 * sort of body is guessed from it, whatever it is. No document type gets through. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/crm_tree.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[GW_CRM_WHY_SIZE] = "";
	struct gw_json_doc *doc = NULL;
	int err;

	(void)gw_crm_kind(NULL, data, size);
	err = gw_crm_tree(&doc, GW_CRM_XML, data, size, why);
	ENSURE(!err || err == EBADMSG);
	ENSURE(!err == (doc != NULL));
	ENSURE(!err || why[0]);
	if (doc && size)
		ENSURE(gw_json_count(gw_json_root(doc)) == 1);
	mem_deref(doc);
	return 0;
}
