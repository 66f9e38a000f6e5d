package whatsapp

import "strings"

// phone is a WhatsApp id as an E.164 number with "+", or "" where it is none (it
// is hidden, or a group). WhatsApp keeps ids from before two national changes
// of numbering; the caller id of the same phone is in the new form, so the ids
// are brought to it: Mexico dropped the 1 after +52 (2019), Brazil put a 9
// before its mobile numbers (2016).
func phone(waID string) string {
	digits := strings.TrimPrefix(waID, "+")
	if len(digits) < 5 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	switch {
	case strings.HasPrefix(digits, "521") && len(digits) == 13:
		digits = "52" + digits[3:]
	case strings.HasPrefix(digits, "55") && len(digits) == 12 && digits[4] >= '6':
		digits = digits[:4] + "9" + digits[4:]
	}
	return "+" + digits
}
