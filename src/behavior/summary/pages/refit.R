# Refits the models behind report.html from tables/units.csv, and sets every figure beside the report's.
#
#     Rscript analysis.R          in the folder of the report
#
# Needs R 4 with its recommended packages (survival, MASS); with multcomp, lmerTest and geepack installed more is
# refitted. What cannot be refitted is said, and nothing is installed. Estimates and p-values are compared as they are
# before any adjustment; Dunnett's adjusted ones too, where multcomp is there.

options(width = 200)
units <- read.csv("tables/units.csv", colClasses = c(subject = "character"), check.names = FALSE)
trials <- if (file.exists("tables/unit_trials.csv")) read.csv("tables/unit_trials.csv", colClasses = c(subject = "character"))
days <- if (file.exists("tables/unit_days.csv")) read.csv("tables/unit_days.csv", colClasses = c(subject = "character"))
models <- read.csv("tables/models.csv", colClasses = c(quantity = "character"))
found <- list()
left <- character()

note <- function(at, quantity, value) {
  names(value) <- NULL
  found[[length(found) + 1]] <<- data.frame(arm = at$arm, endpoint = at$endpoint, quantity = quantity, r = value)
}

given <- function(at, quantity) {
  here <- models$arm == at$arm & models$endpoint == at$endpoint & models$quantity == quantity
  if (any(here)) models$value[here][1] else NA
}

has <- function(package, at, what) {
  there <- requireNamespace(package, quietly = TRUE)
  if (!there) left <<- c(left, sprintf("%s, %s: %s needs the package %s", at$arm, at$endpoint, what, package))
  there
}

as_dose <- function(x) {
  labels <- format(sort(unique(x)), trim = TRUE, digits = 15, drop0trailing = TRUE)
  factor(x, levels = sort(unique(x)), labels = labels)
}

rows_of <- function(at, column = "response", table = units) {
  d <- table[table$arm == at$arm & table$endpoint == at$endpoint, ]
  d <- d[!is.na(d[[column]]), ]
  d$dose <- as_dose(d$dose_mg_kg)
  d
}

doses_of <- function(d) levels(d$dose)[-1]
in_dose <- function(d, level) d[d$dose %in% c(levels(d$dose)[1], level), ]
merged <- function(d, level) factor(ifelse(d$dose == level, levels(d$dose)[1], as.character(d$dose)))

# -- means and ranks --------------------------------------------------------------------------------------------------

dunnett <- function(at, d = rows_of(at)) {
  fit <- aov(response ~ dose, d)
  table <- summary(fit)[[1]]
  note(at, "F", table[1, "F value"])
  note(at, "p", table[1, "Pr(>F)"])
  coefficients <- summary(lm(response ~ dose, d))$coefficients
  for (level in doses_of(d)) {
    note(at, paste("estimate", level), coefficients[paste0("dose", level), "Estimate"])
    note(at, paste("p", level), coefficients[paste0("dose", level), "Pr(>|t|)"])
  }
  if (has("multcomp", at, "Dunnett's adjustment")) {
    set.seed(1)
    tests <- summary(multcomp::glht(fit, linfct = multcomp::mcp(dose = "Dunnett")))$test$pvalues
    for (i in seq_along(doses_of(d))) note(at, paste("p_adjusted", doses_of(d)[i]), tests[i])
  }
}

dunnett_sqrt <- function(at) {
  d <- rows_of(at)
  d$response <- sqrt(d$response + 0.5)
  dunnett(at, d)
}

welch <- function(at) {
  d <- rows_of(at)
  overall <- oneway.test(response ~ dose, d)
  note(at, "F", overall$statistic)
  note(at, "p", overall$p.value)
  for (level in doses_of(d)) {
    test <- t.test(d$response[d$dose == level], d$response[d$dose == levels(d$dose)[1]])
    note(at, paste("estimate", level), test$estimate[1] - test$estimate[2])
    note(at, paste("p", level), test$p.value)
  }
}

with_last <- function(d) {
  last <- max(d$response, 0, na.rm = TRUE) + 1
  d$response[d$censored == "True"] <- last
  d <- d[!is.na(d$response), ]
  d$dose <- as_dose(d$dose_mg_kg)
  d
}

all_rows <- function(at) {
  d <- units[units$arm == at$arm & units$endpoint == at$endpoint, ]
  with_last(d)
}

dunn <- function(at) {
  d <- all_rows(at)
  test <- kruskal.test(response ~ dose, d)
  note(at, "H", test$statistic)
  note(at, "p", test$p.value)
  r <- rank(d$response)
  n <- length(r)
  ties <- table(d$response)
  spread <- n * (n + 1) / 12 - sum(ties^3 - ties) / (12 * (n - 1))
  means <- tapply(r, d$dose, mean)
  sizes <- table(d$dose)
  for (level in doses_of(d)) {
    z <- (means[level] - means[1]) / sqrt(spread * (1 / sizes[level] + 1 / sizes[1]))
    note(at, paste("p", level), 2 * pnorm(-abs(z)))
  }
}

rearranged <- function(values, here) {
  n <- length(values)
  if (choose(n, sum(here)) > 20000) return(NA)
  sums <- combn(n, sum(here), function(i) sum(values[i]))
  centre <- sum(here) * mean(values)
  mean(abs(sums - centre) >= abs(sum(values[here]) - centre) - 1e-12 * sum(abs(values)))
}

permutation <- function(at) {
  d <- rows_of(at)
  table <- summary(aov(response ~ dose, d))[[1]]
  note(at, "eta_squared", table[1, "Sum Sq"] / sum(table[, "Sum Sq"]))
  for (level in doses_of(d)) {
    two <- in_dose(d, level)
    here <- two$dose == level
    note(at, paste("estimate", level), mean(two$response[here]) - mean(two$response[!here]))
    p <- rearranged(two$response, here)
    if (!is.na(p)) note(at, paste("p", level), p)
  }
}

# -- the same units again ---------------------------------------------------------------------------------------------

mixed <- function(at) {
  if (!has("lmerTest", at, "the mixed model")) return(invisible())
  d <- rows_of(at)
  if (is.na(given(at, "identity")) || given(at, "identity") == 0) d$response <- sqrt(d$response + 0.5)
  d$period <- factor(d$period)
  formula <- if (given(at, "period") == 1) response ~ dose + period + (1 | subject) else response ~ dose + (1 | subject)
  fit <- suppressMessages(lmerTest::lmer(formula, d))
  table <- anova(fit)
  note(at, "F", table["dose", "F value"])
  note(at, "df2", table["dose", "DenDF"])
  note(at, "p", table["dose", "Pr(>F)"])
  coefficients <- summary(fit)$coefficients
  for (level in doses_of(d)) {
    note(at, paste("estimate", level), coefficients[paste0("dose", level), "Estimate"])
    note(at, paste("p", level), coefficients[paste0("dose", level), "Pr(>|t|)"])
  }
}

group_by_day <- function(at) {
  if (!has("lmerTest", at, "the mixed model")) return(invisible())
  d <- rows_of(at, table = days)
  d$day <- factor(d$day)
  contrasts(d$dose) <- "contr.sum"
  contrasts(d$day) <- "contr.sum"
  fit <- suppressMessages(lmerTest::lmer(response ~ dose * day + (1 | subject), d))
  table <- anova(fit, type = 3)
  rows <- c("group" = "dose", "day" = "day", "group:day" = "dose:day")
  for (name in names(rows)) {
    note(at, paste("F", name), table[rows[name], "F value"])
    note(at, paste("p", name), table[rows[name], "Pr(>F)"])
  }
}

permutation_within <- function(at) {
  d <- all_rows(at)
  if (given(at, "ranked") == 1) d$response <- rank(d$response)
  vehicle <- d[d$dose == levels(d$dose)[1], ]
  for (level in doses_of(d)) {
    here <- merge(d[d$dose == level, c("subject", "response")], vehicle[, c("subject", "response")], by = "subject")
    difference <- here$response.x - here$response.y
    n <- length(difference)
    if (n > 14) next
    signs <- as.matrix(expand.grid(rep(list(c(-1, 1)), n)))
    sums <- abs(signs %*% abs(difference))
    note(at, paste("p", level), mean(sums >= abs(sum(difference)) - 1e-12 * sum(abs(difference))))
  }
}

# -- shares and counts ------------------------------------------------------------------------------------------------

quasi_binomial <- function(at) {
  d <- rows_of(at, "events")
  d <- d[!is.na(d$trials) & d$trials > 0, ]
  fit <- glm(cbind(events, trials - events) ~ dose, binomial, d)
  df <- fit$df.residual
  phi <- max(sum(residuals(fit, "pearson")^2) / df, 1)
  f <- (fit$null.deviance - fit$deviance) / (fit$df.null - df) / phi
  note(at, "dispersion", phi)
  note(at, "F", f)
  note(at, "p", pf(f, fit$df.null - df, df, lower.tail = FALSE))
  for (level in doses_of(d)) {
    note(at, paste("estimate", level), exp(coef(fit)[paste0("dose", level)]))
    d$other <- merged(d, level)
    small <- if (nlevels(d$other) > 1) glm(cbind(events, trials - events) ~ other, binomial, d)
             else glm(cbind(events, trials - events) ~ 1, binomial, d)
    note(at, paste("p", level), pf((small$deviance - fit$deviance) / phi, 1, df, lower.tail = FALSE))
  }
}

by_trial <- function(at) {
  d <- rows_of(at, "events")
  d <- d[!is.na(d$trials) & d$trials > 0, ]
  long <- d[rep(seq_len(nrow(d)), d$trials), ]
  long$done <- unlist(Map(function(k, n) as.numeric(seq_len(n) <= k), d$events, d$trials))
  long <- long[order(long$subject), ]
  long$id <- as.integer(factor(long$subject))
  long
}

gee <- function(at, plain = FALSE) {
  if (!has("geepack", at, "estimating equations")) return(invisible())
  d <- by_trial(at)
  several <- any(table(unique(d[, c("id", "dose")])$id) > 1)
  d$period <- factor(d$period)
  formula <- if (several && nlevels(d$period) > 1) done ~ dose + period else done ~ dose
  fit <- geepack::geeglm(formula, id = id, data = d, family = binomial, corstr = "exchangeable")
  table <- summary(fit)$coefficients
  for (level in doses_of(d)) {
    note(at, paste("coef", level), table[paste0("dose", level), "Estimate"])
    if (plain) note(at, paste("p", level), table[paste0("dose", level), "Pr(>|W|)"])
  }
}

gee_plain <- function(at) gee(at, plain = TRUE)

beta_binomial <- function(at) {
  d <- rows_of(at, "events")
  x <- model.matrix(~dose, d)
  loss <- function(p) {
    mean <- plogis(x %*% p[seq_len(ncol(x))])
    phi <- exp(p[ncol(x) + 1])
    -sum(lchoose(d$trials, d$events) + lbeta(d$events + mean * phi, d$trials - d$events + (1 - mean) * phi)
         - lbeta(mean * phi, (1 - mean) * phi))
  }
  start <- c(coef(glm(cbind(events, trials - events) ~ dose, binomial, d)), 1)
  best <- optim(start, loss, method = "BFGS", control = list(reltol = 1e-14, maxit = 2000))
  note(at, "loglik", -best$value)
  note(at, "phi", exp(best$par[length(best$par)]))
}

counted <- function(at) {
  d <- rows_of(at)
  d$count <- ifelse(is.na(d$events), d$response, d$events)
  d$log_time <- if (all(is.na(d$exposure_s))) 0 else log(d$exposure_s)
  d[is.finite(d$log_time), ]
}

negative_binomial <- function(at) {
  if (!has("MASS", at, "the negative binomial")) return(invisible())
  d <- counted(at)
  at_alpha <- function(alpha, formula = count ~ dose + offset(log_time), data = d) {
    family <- if (alpha > 0) MASS::negative.binomial(1 / alpha) else poisson()
    suppressWarnings(glm(formula, family, data, control = list(epsilon = 1e-12, maxit = 200)))
  }
  excess <- function(alpha) {
    fit <- at_alpha(alpha)
    sum(residuals(fit, "pearson")^2) - fit$df.residual
  }
  alpha <- if (excess(0) <= 0) 0 else uniroot(excess, c(1e-8, 1e3), tol = 1e-12)$root
  fit <- at_alpha(alpha)
  df <- fit$df.residual
  null <- at_alpha(alpha, count ~ 1 + offset(log_time))
  f <- (null$deviance - fit$deviance) / (null$df.residual - df)
  note(at, "alpha", alpha)
  note(at, "F", f)
  note(at, "p", pf(f, null$df.residual - df, df, lower.tail = FALSE))
  for (level in doses_of(d)) {
    note(at, paste("estimate", level), exp(coef(fit)[paste0("dose", level)]))
    d$other <- merged(d, level)
    small <- if (nlevels(d$other) > 1) at_alpha(alpha, count ~ other + offset(log_time), d) else null
    note(at, paste("p", level), pf(small$deviance - fit$deviance, 1, df, lower.tail = FALSE))
  }
}

negative_binomial_plain <- function(at) {
  if (!has("MASS", at, "the negative binomial")) return(invisible())
  d <- counted(at)
  fit <- MASS::glm.nb(count ~ dose + offset(log_time), d, control = glm.control(epsilon = 1e-12, maxit = 500))
  null <- MASS::glm.nb(count ~ 1 + offset(log_time), d, control = glm.control(epsilon = 1e-12, maxit = 500))
  note(at, "theta", fit$theta)
  note(at, "chi2", 2 * as.numeric(logLik(fit) - logLik(null)))
  table <- summary(fit)$coefficients
  for (level in doses_of(d)) {
    note(at, paste("estimate", level), exp(table[paste0("dose", level), "Estimate"]))
    note(at, paste("p", level), table[paste0("dose", level), "Pr(>|z|)"])
  }
}

# -- latencies --------------------------------------------------------------------------------------------------------

times_of <- function(at) {
  if (!is.null(trials) && any(trials$arm == at$arm & trials$endpoint == at$endpoint)) {
    d <- trials[trials$arm == at$arm & trials$endpoint == at$endpoint, ]
    d$event <- d$event == "True"
  } else {
    d <- units[units$arm == at$arm & units$endpoint == at$endpoint, ]
    d$event <- d$censored != "True"
    d$time_s <- ifelse(d$event, d$response, d$cut_off)
    d <- d[!is.na(d$time_s), ]
  }
  d$dose <- as_dose(d$dose_mg_kg)
  d
}

log_rank <- function(at) {
  if (!has("survival", at, "the log-rank test")) return(invisible())
  d <- times_of(at)
  if (!is.na(given(at, "chi2"))) note(at, "chi2", survival::survdiff(survival::Surv(time_s, event) ~ dose, d)$chisq)
  for (level in doses_of(d)) {
    two <- in_dose(d, level)
    if (!any(two$event)) next
    null <- survival::coxph(survival::Surv(time_s, event) ~ 1, two, ties = "breslow")
    scores <- tapply(residuals(null, "martingale"), two$subject, sum)
    here <- tapply(two$dose == level, two$subject, all)
    p <- rearranged(as.numeric(scores), as.logical(here))
    if (!is.na(p)) note(at, paste("p", level), p)
  }
}

cox <- function(at, plain = FALSE) {
  if (!has("survival", at, "Cox's model")) return(invisible())
  d <- times_of(at)
  several <- any(table(d$subject) > 1)
  fit <- if (several) survival::coxph(survival::Surv(time_s, event) ~ dose, d, cluster = subject)
         else survival::coxph(survival::Surv(time_s, event) ~ dose, d)
  table <- summary(fit)$coefficients
  for (level in doses_of(d)) {
    note(at, paste("coef", level), table[paste0("dose", level), "coef"])
    if (plain) note(at, paste("p", level), table[paste0("dose", level), "Pr(>|z|)"])
  }
}

cox_plain <- function(at) cox(at, plain = TRUE)

tobit <- function(at) {
  if (!has("survival", at, "the tobit model")) return(invisible())
  d <- times_of(at)
  fit <- survival::survreg(survival::Surv(log10(time_s), event) ~ dose, d, dist = "gaussian")
  note(at, "scale", fit$scale)
  note(at, "loglik", fit$loglik[2])
  for (level in doses_of(d)) note(at, paste("coef", level), coef(fit)[paste0("dose", level)])
}

# -- dose-response ----------------------------------------------------------------------------------------------------

log_logistic <- function(dose, b, c, d, e) c + (d - c) / (1 + (dose / e)^b)

ed50 <- function(at, likelihood) {
  d <- switch(likelihood, share = rows_of(at, "events"), count = counted(at), latency = times_of(at), rows_of(at))
  start <- sapply(c("b", "c", "d", "e"), function(name) given(at, paste("curve", name)))
  held <- sapply(c("b", "c", "d", "e"), function(name) isTRUE(given(at, paste("held", name)) == 1))
  spread <- c(share = 0, count = 0, latency = log(0.5), least_squares = log(sd(d$response, na.rm = TRUE) / 2))[likelihood]
  inside <- likelihood == "share"
  link <- function(v, name) if (name %in% c("b", "e")) log(v) else if (inside) qlogis(v) else v
  back <- function(v, name) if (name %in% c("b", "e")) exp(v) else if (inside) plogis(v) else v
  whole <- function(p) {
    values <- start
    free <- names(start)[!held]
    for (i in seq_along(free)) values[free[i]] <- back(p[i], free[i])
    values
  }
  loss <- function(p) {
    v <- whole(p)
    mean <- log_logistic(d$dose_mg_kg, v["b"], v["c"], v["d"], v["e"])
    s <- exp(p[length(p)])
    if (any(!is.finite(mean)) || (likelihood %in% c("count", "latency") && any(mean <= 0))) return(1e10)
    value <- switch(likelihood,
      share = -sum(dbinom(d$events, d$trials, pmin(pmax(mean, 1e-12), 1 - 1e-12), log = TRUE)),
      count = -sum(dnbinom(d$count, size = s, mu = mean * exp(d$log_time), log = TRUE)),
      latency = -sum(ifelse(d$event, dlnorm(d$time_s, log(mean), s, log = TRUE),
                            plnorm(d$time_s, log(mean), s, lower.tail = FALSE, log.p = TRUE))),
      -sum(dnorm(d$response, mean, s, log = TRUE)))
    if (is.finite(value)) value else 1e10
  }
  free <- names(start)[!held]
  begin <- c(mapply(function(v, name) link(v, name), start[!held], free), spread)
  # Begin a little beside the report's curve, so that its place is found again and not believed.
  begin[seq_along(free)] <- begin[seq_along(free)] + c(0.1, 0.05, -0.05, 0.1)[!held] * pmax(abs(begin[seq_along(free)]), 0.1)
  begin[length(begin)] <- if (likelihood == "share") 0 else begin[length(begin)]
  if (likelihood == "share") {
    free_loss <- function(p) loss(c(p, 0))
    best <- optim(begin[-length(begin)], free_loss, control = list(maxit = 20000, reltol = 1e-15))
    best <- optim(best$par, free_loss, method = "BFGS", control = list(reltol = 1e-15, maxit = 5000))
    best$par <- c(best$par, 0)
  } else {
    best <- optim(begin, loss, control = list(maxit = 20000, reltol = 1e-15))
    best <- optim(best$par, loss, method = "BFGS", control = list(reltol = 1e-15, maxit = 5000))
  }
  v <- whole(best$par)
  percent <- given(at, "percent_of_vehicle")
  dose <- if (is.na(percent)) v["e"] else {
    share <- (v["d"] - v["d"] * percent / 100) / (v["d"] - v["c"])
    v["e"] * (share / (1 - share))^(1 / v["b"])
  }
  note(at, "ED50", dose)
}

# -- all of them ------------------------------------------------------------------------------------------------------

refit <- function(arm, endpoint, method, ...) {
  at <- list(arm = arm, endpoint = endpoint)
  tryCatch(method(at, ...), error = function(e) {
    left <<- c(left, sprintf("%s, %s: %s", arm, endpoint, conditionMessage(e)))
  })
}

compare <- function() {
  if (length(found) == 0) {
    cat("nothing was refitted\n")
    return(invisible(TRUE))
  }
  r <- do.call(rbind, found)
  both <- merge(models, r, by = c("arm", "endpoint", "quantity"))
  size <- pmax(abs(both$value), abs(both$r))
  # Dunnett's p in multcomp is drawn at random; tiny p-values and ratios by their logarithms would be as near.
  limit <- ifelse(grepl("^p_adjusted", both$quantity), 5e-3, ifelse(grepl("^p ", both$quantity), 1e-4, 1e-3 * size))
  both$agrees <- abs(both$value - both$r) <= pmax(limit, 1e-7) | (is.infinite(both$value) & size > 1e6) |
    (both$value == 0 & abs(both$r) < 1e-6)
  print(both, row.names = FALSE, digits = 6)
  for (sentence in left) cat("not refitted:", sentence, "\n")
  cat(sprintf("%d of %d figures agree\n", sum(both$agrees), nrow(both)))
  invisible(all(both$agrees))
}

