/* dialect.h — this family's SQL, for the shared judge and renderer. */
#ifndef MY_DIALECT_H
#define MY_DIALECT_H

#include "connhub/driver.h"
#include "sql/dialect.h"

extern const SqlDialect my_dialect;

extern void my_judge(const ConnhubSource *source, const ConnhubPiece *piece, ConnhubVerdict *verdict);
extern ConnhubStatus my_render(const ConnhubSource *source, const ConnhubRequest *request,
							   ConnhubText *out, ConnhubError *error);

extern ConnhubStatus my_render_write(const ConnhubSource *source, const ConnhubWrite *write, ConnhubText *out,
									 ConnhubError *error);
extern ConnhubStatus my_render_modify(const ConnhubSource *source, const ConnhubModify *modify, ConnhubText *out,
									  ConnhubError *error);

#endif							/* MY_DIALECT_H */
