/* fdw/translate_operand.h — operands of one type. */
#ifndef CH_FDW_TRANSLATE_OPERAND_H
#define CH_FDW_TRANSLATE_OPERAND_H

#include "fdw/translate_part.h"
#include "request/semantics.h"

/* A call of fn, made of translated args that are brought to the types `meaning` tells; NULL with the reason set
 * when they cannot be. */
extern const ConnhubExpr *ch_translate_call(ConnhubFunction fn, const ChMeaning *meaning, const ConnhubTypeRef *type,
											Oid collation, List *args, ChTranslation *t);

#endif
