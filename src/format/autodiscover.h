/* autodiscover.h - the names that the Autodiscover documents share. */
/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_AUTODISCOVER_H
#define FORMAT_AUTODISCOVER_H

/* On the wire these begin with http://, whatever newer pages of Microsoft's show. */
#define AUTODISCOVER_NS            "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
#define AUTODISCOVER_NS_OUTLOOK    "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
#define AUTODISCOVER_NS_MOBILESYNC "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"

#define AUTODISCOVER_CONTENT_TYPE  "text/xml; charset=utf-8"
#define AUTODISCOVER2_CONTENT_TYPE "application/json; charset=utf-8"

#endif
