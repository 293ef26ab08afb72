import { Navigate, Route, Routes } from "react-router";
import Directory from "./people/directory";
import { Members, Visitors } from "./session/guards";
import { lazyPage } from "./ui/lazy-page";
import NotFound from "./ui/not-found";
import { Shell } from "./ui/shell";

const ProfilePage = lazyPage(() => import("./people/profile-page"));
const SignUpPage = lazyPage(() => import("./accounts/sign-up"));
const SignInPage = lazyPage(() => import("./accounts/sign-in"));
const SignInByMailPage = lazyPage(() => import("./accounts/sign-in-by-mail"));
const ForgotPasswordPage = lazyPage(() => import("./accounts/forgot-password"));
const ResetPasswordPage = lazyPage(() => import("./accounts/reset-password"));
const VerifyEmailPage = lazyPage(() => import("./accounts/verify-email"));
const ChangeEmailPage = lazyPage(() => import("./accounts/change-email"));
const SettingsLayout = lazyPage(() => import("./settings/layout"));
const ProfileSettings = lazyPage(() => import("./settings/profile"));
const AccountSettings = lazyPage(() => import("./settings/account"));
const SecuritySettings = lazyPage(() => import("./settings/security"));

export function App() {
  return (
    <Routes>
      <Route element={<Shell />}>
        <Route index element={<Directory />} />
        <Route path="people/:username" element={<ProfilePage />} />
        <Route element={<Visitors />}>
          <Route path="sign-up" element={<SignUpPage />} />
          <Route path="sign-in" element={<SignInPage />} />
          <Route path="sign-in-by-mail" element={<SignInByMailPage />} />
        </Route>
        <Route path="forgot-password" element={<ForgotPasswordPage />} />
        <Route path="reset-password" element={<ResetPasswordPage />} />
        <Route path="verify-email" element={<VerifyEmailPage />} />
        <Route element={<Members />}>
          <Route path="change-email" element={<ChangeEmailPage />} />
          <Route path="settings" element={<SettingsLayout />}>
            <Route index element={<Navigate to="profile" replace />} />
            <Route path="profile" element={<ProfileSettings />} />
            <Route path="account" element={<AccountSettings />} />
            <Route path="security" element={<SecuritySettings />} />
          </Route>
        </Route>
        <Route path="*" element={<NotFound />} />
      </Route>
    </Routes>
  );
}
