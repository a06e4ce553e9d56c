namespace Reference.Core;

/// <summary>What <c>/json</c> answers with.</summary>
public sealed record HelloMessage(string Message);
