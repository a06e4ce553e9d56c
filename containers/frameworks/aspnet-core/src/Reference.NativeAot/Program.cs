using Reference.Core.Hosting;
using Reference.MinimalApi.Endpoints;
using Reference.NativeAot;
using Reference.NativeAot.Data;

return await ServerHost.MainAsync(args, () =>
{
    var builder = WebApplication.CreateSlimBuilder(args);
    var settings = builder.AddServer();
    builder.Services.AddEndpointServices();
    builder.Services.AddValidation();
    builder.Services.ConfigureHttpJsonOptions(options =>
        options.SerializerOptions.TypeInfoResolverChain.Insert(0, ServerJsonContext.Default));
    builder.Services.AddNpgsql(settings);

    var app = builder.Build();
    app.UseServer(settings);
    app.MapEndpoints();
    return app;
});
