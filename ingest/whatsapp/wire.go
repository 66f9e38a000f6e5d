package whatsapp

import "encoding/json"

// The shapes of the Cloud API's webhooks, as far as we read them. What hangs on
// the type of a message stays raw until the type is known, so that a new type
// with a familiar field does no harm. Timestamps stay raw because they come as
// strings and as numbers.

type envelope struct {
	Object string  `json:"object"`
	Entry  []entry `json:"entry"`
}

type entry struct {
	ID      string          `json:"id"` // the WhatsApp Business Account
	Time    json.RawMessage `json:"time"`
	Changes []change        `json:"changes"`

	at string // where it stands in the body
}

type change struct {
	Field string          `json:"field"`
	Value json.RawMessage `json:"value"`
}

type value struct {
	Metadata struct {
		DisplayPhoneNumber string `json:"display_phone_number"`
		PhoneNumberID      string `json:"phone_number_id"`
	} `json:"metadata"`
	Contacts        []contact         `json:"contacts"`
	Messages        []json.RawMessage `json:"messages"`
	MessageEchoes   []json.RawMessage `json:"message_echoes"`
	Statuses        []status          `json:"statuses"`
	Calls           []call            `json:"calls"`
	History         []history         `json:"history"`
	UserPreferences []preference      `json:"user_preferences"`
	UserIDUpdate    []userIDUpdate    `json:"user_id_update"`
	Errors          []providerError   `json:"errors"`
}

type contact struct {
	Profile struct {
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"profile"`
	WaID         string `json:"wa_id"`
	UserID       string `json:"user_id"`
	ParentUserID string `json:"parent_user_id"`
}

type providerError struct {
	Code    int    `json:"code"`
	Title   string `json:"title"`
	Message string `json:"message"`
}

type message struct {
	From       string          `json:"from"`
	FromUserID string          `json:"from_user_id"`
	To         string          `json:"to"`
	ToUserID   string          `json:"to_user_id"`
	ID         string          `json:"id"`
	GroupID    string          `json:"group_id"`
	Timestamp  json.RawMessage `json:"timestamp"`
	Type       string          `json:"type"`
	Context    *struct {
		ID                  string `json:"id"`
		Forwarded           bool   `json:"forwarded"`
		FrequentlyForwarded bool   `json:"frequently_forwarded"`
		ReferredProduct     *struct {
			CatalogID         string `json:"catalog_id"`
			ProductRetailerID string `json:"product_retailer_id"`
		} `json:"referred_product"`
	} `json:"context"`
	Referral *struct {
		SourceURL  string `json:"source_url"`
		SourceID   string `json:"source_id"`
		SourceType string `json:"source_type"`
		Headline   string `json:"headline"`
		CtwaClid   string `json:"ctwa_clid"`
	} `json:"referral"`
	Errors []providerError `json:"errors"`

	Text        json.RawMessage `json:"text"`
	Image       json.RawMessage `json:"image"`
	Video       json.RawMessage `json:"video"`
	Audio       json.RawMessage `json:"audio"`
	Document    json.RawMessage `json:"document"`
	Sticker     json.RawMessage `json:"sticker"`
	Location    json.RawMessage `json:"location"`
	Contacts    json.RawMessage `json:"contacts"`
	Reaction    json.RawMessage `json:"reaction"`
	Button      json.RawMessage `json:"button"`
	Interactive json.RawMessage `json:"interactive"`
	Order       json.RawMessage `json:"order"`
	System      json.RawMessage `json:"system"`
	Edit        json.RawMessage `json:"edit"`
	Revoke      json.RawMessage `json:"revoke"`
}

type text struct {
	Body string `json:"body"`
}

type media struct {
	ID       string `json:"id"`
	MIME     string `json:"mime_type"`
	SHA256   string `json:"sha256"`
	Caption  string `json:"caption"`
	Filename string `json:"filename"`
	FileSize int64  `json:"file_size"`
	Voice    bool   `json:"voice"`
	Animated bool   `json:"animated"`
}

type location struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Name      string  `json:"name"`
	Address   string  `json:"address"`
}

type card struct {
	Name struct {
		FormattedName string `json:"formatted_name"`
	} `json:"name"`
	Phones []struct {
		Phone string `json:"phone"`
	} `json:"phones"`
	Emails []struct {
		Email string `json:"email"`
	} `json:"emails"`
}

type reaction struct {
	MessageID string `json:"message_id"`
	Emoji     string `json:"emoji"`
}

type button struct {
	Payload string `json:"payload"`
	Text    string `json:"text"`
}

type interactive struct {
	Type        string `json:"type"`
	ButtonReply struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	} `json:"button_reply"`
	ListReply struct {
		ID          string `json:"id"`
		Title       string `json:"title"`
		Description string `json:"description"`
	} `json:"list_reply"`
	NfmReply struct {
		Name         string `json:"name"`
		ResponseJSON string `json:"response_json"`
	} `json:"nfm_reply"`
	CallPermissionReply struct {
		Response            string          `json:"response"`
		ExpirationTimestamp json.RawMessage `json:"expiration_timestamp"`
		ResponseSource      string          `json:"response_source"`
	} `json:"call_permission_reply"`
}

type order struct {
	CatalogID    string `json:"catalog_id"`
	Text         string `json:"text"`
	ProductItems []struct {
		ProductRetailerID string      `json:"product_retailer_id"`
		Quantity          json.Number `json:"quantity"`
		ItemPrice         json.Number `json:"item_price"`
		Currency          string      `json:"currency"`
	} `json:"product_items"`
}

type system struct {
	Body    string `json:"body"`
	Type    string `json:"type"`
	WaID    string `json:"wa_id"`
	NewWaID string `json:"new_wa_id"` // before Graph API v12
	UserID  string `json:"user_id"`
}

type edit struct {
	OriginalMessageID string          `json:"original_message_id"`
	Message           json.RawMessage `json:"message"`
}

type status struct {
	ID              string          `json:"id"`
	Type            string          `json:"type"` // "call" for calls
	Status          string          `json:"status"`
	Timestamp       json.RawMessage `json:"timestamp"`
	RecipientID     string          `json:"recipient_id"`
	RecipientUserID string          `json:"recipient_user_id"`
	Participant     string          `json:"recipient_participant_id"` // in groups
	CallbackData    string          `json:"biz_opaque_callback_data"`
	Conversation    *struct {
		ID     string `json:"id"`
		Origin struct {
			Type string `json:"type"`
		} `json:"origin"`
	} `json:"conversation"`
	Pricing *struct {
		Billable     bool   `json:"billable"`
		PricingModel string `json:"pricing_model"`
		Type         string `json:"type"`
		Category     string `json:"category"`
	} `json:"pricing"`
	Errors []providerError `json:"errors"`
}

type call struct {
	ID           string          `json:"id"`
	From         string          `json:"from"`
	FromUserID   string          `json:"from_user_id"`
	To           string          `json:"to"`
	ToUserID     string          `json:"to_user_id"`
	Event        string          `json:"event"`
	Timestamp    json.RawMessage `json:"timestamp"`
	Direction    string          `json:"direction"`
	Status       string          `json:"status"`
	StartTime    json.RawMessage `json:"start_time"`
	Duration     int64           `json:"duration"` // seconds
	CallbackData string          `json:"biz_opaque_callback_data"`
	Errors       []providerError `json:"errors"`
}

type history struct {
	Threads []struct {
		ID      string `json:"id"` // the customer's number
		Context struct {
			WaID   string `json:"wa_id"`
			UserID string `json:"user_id"`
		} `json:"context"`
		Messages []json.RawMessage `json:"messages"`
	} `json:"threads"`
	Errors []providerError `json:"errors"` // the customer's business declined to share
}

type preference struct {
	WaID      string          `json:"wa_id"`
	UserID    string          `json:"user_id"`
	Category  string          `json:"category"`
	Value     string          `json:"value"` // stop, resume, signup
	Timestamp json.RawMessage `json:"timestamp"`
}

type userIDUpdate struct {
	WaID   string `json:"wa_id"`
	UserID struct {
		Previous string `json:"previous"`
		Current  string `json:"current"`
	} `json:"user_id"`
	Timestamp json.RawMessage `json:"timestamp"`
}
