// Package redirect owns sign-in with an identity provider by plain redirects of a browser, and the URL of this service to which providers
// send users back. It must not decide who is signed in: package accounts/oauth does.
//
//	GET  /oauth/{provider}/start     a link of the service's own pages; leads to the provider
//	GET  /oauth/{provider}/callback  where the provider sends users back; sets the cookies and leads to the front end, or forwards the
//	                                 answer to the front end that waits for it
//	POST /oauth/{provider}/callback  the same for a provider that posts a form
//
// Another site can lead a browser to the callback with an answer of its own (login CSRF). It is of no use: the flow belongs to the browser
// that has its cookie, which the site cannot set. The cookie is SameSite=Lax, since it is a page of the provider that leads here.
package redirect

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"

	"freehold.dev/freehold/accounts"
	"freehold.dev/freehold/accounts/oauth"
	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
)

// Handler serves the routes of all providers.
type Handler struct {
	OAuth   *oauth.Service
	Cookies *auth.Cookies
	Log     *slog.Logger
	// OwnPages admits only requests of the service's own pages.
	OwnPages func(http.Handler) http.Handler
	// WriteError writes an error for a browser that cannot be sent anywhere.
	WriteError func(w http.ResponseWriter, r *http.Request, status int, f *fault.Error)
}

// maxForm is the largest form that a provider can post, in bytes.
const maxForm = 16 << 10

// Routes adds the routes.
func (h *Handler) Routes(mux *http.ServeMux) {
	mux.Handle("GET /oauth/{provider}/start", h.OwnPages(http.HandlerFunc(h.start)))
	mux.HandleFunc("GET /oauth/{provider}/callback", h.callback)
	mux.HandleFunc("POST /oauth/{provider}/callback", h.posted)
}

func (h *Handler) start(w http.ResponseWriter, r *http.Request) {
	if mode := r.Header.Get("Sec-Fetch-Mode"); r.Method != http.MethodGet || mode != "" && mode != "navigate" {
		h.WriteError(w, r, http.StatusMethodNotAllowed, fault.New(fault.BadRequest, "Lead the browser here, for example with a link. A script calls the mutation startOAuth instead."))
		return
	}
	jar := h.Cookies.Open(r.Header)
	q := r.URL.Query()
	in := oauth.Start{Provider: r.PathValue("provider"), RedirectTo: q.Get("redirectTo"), Username: q.Get("username")}
	to, err := h.OAuth.StartByRedirect(auth.WithJar(r.Context(), jar), in)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Code == fault.BadUserInput { // there is nowhere to return to
		h.WriteError(w, r, http.StatusBadRequest, f)
		return
	}
	if err != nil {
		to = with(in.RedirectTo, url.Values{"error": {h.code(r, err)}})
	}
	jar.Write(w.Header())
	lead(w, to)
}

// posted turns a form into a query, because browsers send no cookies with a form of another site.
func (h *Handler) posted(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		h.WriteError(w, r, http.StatusBadRequest, fault.New(fault.BadRequest, "The form of the provider cannot be read."))
		return
	}
	lead(w, with(r.URL.EscapedPath(), answerOf(r.PostForm)))
}

// oauthError matches the errors of a provider (RFC 6749, 4.1.2.1).
var oauthError = regexp.MustCompile(`^[a-z_]{1,40}$`)

// answerOf returns the parameters of an answer that matter.
func answerOf(q url.Values) url.Values {
	kept := url.Values{}
	for _, name := range []string{"code", "state", "iss"} {
		if q.Has(name) {
			kept.Set(name, q.Get(name))
		}
	}
	if text := q.Get("error"); oauthError.MatchString(text) {
		kept.Set("error", text)
	} else if text != "" || kept.Get("code") == "" {
		kept.Set("error", "server_error")
	}
	return kept
}

func (h *Handler) callback(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet { // HEAD
		h.WriteError(w, r, http.StatusMethodNotAllowed, fault.New(fault.BadRequest, "Lead the browser here with a GET."))
		return
	}
	answer, provider := answerOf(r.URL.Query()), r.PathValue("provider")
	if to := h.OAuth.ForwardTo(provider, answer.Get("state")); to != "" {
		lead(w, with(to, answer))
		return
	}
	jar := h.Cookies.Open(r.Header)
	a := oauth.Answer{Code: answer.Get("code"), State: answer.Get("state"), Issuer: answer.Get("iss")}
	if answer.Has("error") {
		a.Code = ""
	}
	entered, to, err := h.OAuth.FinishByRedirect(auth.WithJar(r.Context(), jar), provider, a)
	switch {
	case err != nil && to == "":
		to = with(h.OAuth.FirstRedirect(), url.Values{"error": {h.code(r, err)}})
	case err != nil:
		to = with(to, url.Values{"error": {h.code(r, err)}})
	case entered == nil:
		to = with(to, url.Values{"error": {answer.Get("error")}})
	default:
		to = h.finish(jar, entered, to)
	}
	jar.Write(w.Header())
	lead(w, to)
}

// finish puts the tokens of a session into the jar. If something is missing, the fragment says which mutation continues the flow.
func (h *Handler) finish(jar *auth.Jar, e *accounts.Entered, to string) string {
	switch {
	case e.SecondFactor != nil:
		return to + "#" + url.Values{"continuationToken": {e.SecondFactor.Token}, "next": {"finishSecondFactor"}}.Encode()
	case e.SignUp != nil:
		return to + "#" + url.Values{"continuationToken": {e.SignUp.Token}, "next": {"completeSignUp"}}.Encode()
	}
	jar.Put(&e.Session.Tokens)
	return to
}

// code returns the code of an error for the front end: that of its field, if it is about one.
func (h *Handler) code(r *http.Request, err error) string {
	f, ok := errors.AsType[*fault.Error](err)
	switch {
	case !ok && r.Context().Err() != nil:
		return string(fault.Unavailable)
	case !ok:
		h.Log.ErrorContext(r.Context(), "an internal error", "route", r.Pattern, "error", err)
		return string(fault.Internal)
	case f.Err != nil:
		h.Log.WarnContext(r.Context(), "a request failed", "code", f.Code, "route", r.Pattern, "error", f.Err)
	}
	if len(f.Fields) > 0 && f.Code != fault.RateLimited {
		return f.Fields[0].Code
	}
	return string(f.Code)
}

// with adds parameters to the query of a URL that the operator has chosen.
func with(to string, parameters url.Values) string {
	u, err := url.Parse(to)
	if err != nil { // not one that the start-up check accepts
		return to
	}
	q := u.Query()
	for name, values := range parameters {
		q[name] = values
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// lead leads the browser to a URL, with a GET.
func lead(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
