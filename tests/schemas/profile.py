"""The keys of Apple's configuration profiles that automxd may write: type, whether it is required, and its values."""

STRING, INTEGER, BOOLEAN, ARRAY, DICT = str, int, bool, list, dict

# Every dictionary with a PayloadType, the profile itself included. Apple demands no display name, but a person reads it.
COMMON = {
    "PayloadType": (STRING, True, None),
    "PayloadVersion": (INTEGER, True, (1,)),
    "PayloadIdentifier": (STRING, True, None),
    "PayloadUUID": (STRING, True, None),
    "PayloadDisplayName": (STRING, False, None),
    "PayloadDescription": (STRING, False, None),
    "PayloadOrganization": (STRING, False, None),
}

MAIL_AUTHENTICATION = ("EmailAuthNone", "EmailAuthPassword", "EmailAuthCRAMMD5", "EmailAuthNTLM", "EmailAuthHTTPMD5")

# No password key is here: a profile of ours never holds one.
KEYS = {
    "Configuration": {
        "PayloadContent": (ARRAY, True, None),
        "PayloadRemovalDisallowed": (BOOLEAN, False, None),
        "PayloadScope": (STRING, False, ("User", "System")),
        "ConsentText": (DICT, False, None),
    },
    "com.apple.mail.managed": {
        "EmailAccountType": (STRING, True, ("EmailTypeIMAP", "EmailTypePOP")),
        "EmailAccountDescription": (STRING, False, None),
        "EmailAccountName": (STRING, False, None),
        "EmailAddress": (STRING, False, None),
        "IncomingMailServerAuthentication": (STRING, True, MAIL_AUTHENTICATION),
        "IncomingMailServerHostName": (STRING, True, None),
        "IncomingMailServerPortNumber": (INTEGER, False, range(1, 65536)),
        # Apple's default is false, so leaving it out would send passwords in the clear.
        "IncomingMailServerUseSSL": (BOOLEAN, True, None),
        "IncomingMailServerUsername": (STRING, False, None),
        "OutgoingMailServerAuthentication": (STRING, True, MAIL_AUTHENTICATION),
        "OutgoingMailServerHostName": (STRING, True, None),
        "OutgoingMailServerPortNumber": (INTEGER, False, range(1, 65536)),
        "OutgoingMailServerUseSSL": (BOOLEAN, True, None),
        "OutgoingMailServerUsername": (STRING, False, None),
        "OutgoingPasswordSameAsIncomingPassword": (BOOLEAN, False, None),
        "PreventMove": (BOOLEAN, False, None),
        "PreventAppSheet": (BOOLEAN, False, None),
        "allowMailDrop": (BOOLEAN, False, None),
        "disableMailRecentsSyncing": (BOOLEAN, False, None),
        "SMIMEEnabled": (BOOLEAN, False, None),
    },
    "com.apple.caldav.account": {
        "CalDAVHostName": (STRING, True, None),
        "CalDAVAccountDescription": (STRING, False, None),
        "CalDAVUsername": (STRING, False, None),
        "CalDAVPrincipalURL": (STRING, False, None),
        "CalDAVUseSSL": (BOOLEAN, True, None),
        "CalDAVPort": (INTEGER, False, range(1, 65536)),
    },
    "com.apple.carddav.account": {
        "CardDAVHostName": (STRING, True, None),
        "CardDAVAccountDescription": (STRING, False, None),
        "CardDAVUsername": (STRING, False, None),
        "CardDAVPrincipalURL": (STRING, False, None),
        "CardDAVUseSSL": (BOOLEAN, True, None),
        "CardDAVPort": (INTEGER, False, range(1, 65536)),
    },
    "com.apple.eas.account": {
        "EmailAddress": (STRING, False, None),
        "Host": (STRING, False, None),
        "SSL": (BOOLEAN, True, None),
        "UserName": (STRING, False, None),
        "OAuth": (BOOLEAN, False, None),
        "MailNumberOfPastDaysToSync": (INTEGER, False, (0, 1, 3, 7, 14, 31)),
        "EnableMail": (BOOLEAN, False, None),
        "EnableContacts": (BOOLEAN, False, None),
        "EnableCalendars": (BOOLEAN, False, None),
        "EnableReminders": (BOOLEAN, False, None),
        "EnableNotes": (BOOLEAN, False, None),
    },
}
