/* common/folder.h — is a file in one of the folders a setting names? */
#ifndef CH_COMMON_FOLDER_H
#define CH_COMMON_FOLDER_H

/* Is the path below a folder of the list, by the folder's name or by what it really is?  The path is taken as it
 * stands: whoever asks makes it canonical, and asks again for the real one. */
extern bool ch_folder_list_holds(const char *list, const char *path);

/* Is the real path in the server's data directory?  True also when that cannot be told. */
extern bool ch_folder_is_data(const char *path);

#endif
