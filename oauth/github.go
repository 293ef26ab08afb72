package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"golang.org/x/oauth2"
)

// GitHub has OAuth 2.0 without discovery and ID tokens. A server of an enterprise has the same paths below its own URL.
const gitHubIssuer = "https://github.com"

func gitHubEndpoint(issuer string) oauth2.Endpoint {
	return oauth2.Endpoint{
		AuthURL: issuer + "/login/oauth/authorize", TokenURL: issuer + "/login/oauth/access_token", AuthStyle: oauth2.AuthStyleInParams,
	}
}

func gitHubAPI(issuer string) string {
	if issuer == gitHubIssuer {
		return "https://api.github.com"
	}
	return issuer + "/api/v3"
}

// identifyAtGitHub asks GitHub's API whom an access token belongs to. The subject is the number of the user, since logins can change.
func (p *Provider) identifyAtGitHub(ctx context.Context, token *oauth2.Token) (*Identity, error) {
	var user struct {
		ID          int64
		Login, Name string
	}
	var emails []struct {
		Email             string
		Primary, Verified bool
	}
	for path, into := range map[string]any{"/user": &user, "/user/emails": &emails} {
		if err := askGitHub(ctx, gitHubAPI(p.settings.Issuer)+path, token, into); err != nil {
			return nil, fmt.Errorf("%w: ask GitHub for %s: %w", ErrUnavailable, path, withoutURL(err))
		}
	}
	found := &Identity{Name: user.Name}
	if user.ID != 0 {
		found.Subject = strconv.FormatInt(user.ID, 10)
	}
	if p.settings.claim(forUsername) == "login" {
		found.Username = user.Login
	}
	for _, e := range emails {
		if e.Primary && e.Verified {
			found.Email, found.EmailVerified = e.Email, true
		}
	}
	return found, nil
}

func askGitHub(ctx context.Context, url string, token *oauth2.Token, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/vnd.github+json")
	token.SetAuthHeader(request)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("it answered %d", response.StatusCode)
	}
	return json.NewDecoder(response.Body).Decode(into)
}
